/**
 * One connection to another node, for one `GET` at a time.
 *
 * What comes is read into a buffer that the connection keeps, and is copied from there to where it is wanted. A stream makes
 * a new buffer for each piece that comes, and V8, which counts them, collects all of a thread's garbage for every few
 * megabytes: while blocks are fetched that costs as much as the work on them.
 *
 * Only what nodes say to each other is understood: HTTP/1.1, and a body of a length that is told before it comes. Anything
 * else ends the connection, as does whatever leaves it in doubt where the next answer begins.
 *
 * Invariant: nothing is read while an answer has come and its body is not asked for: what came with its head lies in the
 * buffer until then.
 */
import type { OnReadOpts, Socket } from "node:net";
import { assert } from "../../base/assert.ts";

/** What comes at once, at most. */
const BUFFER_BYTES = 128 * 1024;
/** Of an answer, up to its body. */
const HEAD_BYTES_MAX = 16 * 1024;

export interface AnswerHead {
  readonly status: number;
  /** By their names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body; undefined where it is not told. */
  readonly length: number | undefined;
}

export interface ConnectionOptions {
  /** Opens the socket, which is to read as it is told here. */
  readonly connect: (onread: OnReadOpts) => Socket;
  /** What the socket says once it can be used. */
  readonly readyEvent: "connect" | "secureConnect";
  readonly connectMs: number;
  readonly bodyPauseMs: number;
  /** How long it may lie idle. */
  readonly idleMs: number;
  /** Called whenever it has become free for another request. */
  readonly onFree: (connection: BlobConnection) => void;
  /** Called once: nothing goes over it any more. */
  readonly onClosed: (connection: BlobConnection) => void;
}

interface Wait<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** An answer that is being taken, or waits to be. */
interface Body {
  readonly length: number;
  target: Uint8Array | undefined;
  filled: number;
  wait: Wait<Uint8Array> | undefined;
  /** Whether the next request may go over the same connection. */
  readonly keep: boolean;
}

const NOTHING = new Uint8Array(0);
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d)(?: |$)/;
const BEGINNING = Buffer.from("HTTP/1.1 ");
const END_OF_HEAD = "\r\n\r\n";

export class BlobConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  #ready = false;
  #asked: Wait<AnswerHead> | undefined;
  #answerMs = 0;
  #head: Uint8Array = NOTHING;
  #body: Body | undefined;
  /** Of the body, what came with the head: in the buffer. */
  #held: Uint8Array = NOTHING;
  /** Changes with everything that comes. */
  #arrivals = 0;
  #error: Error | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = options.connect({
      buffer: Buffer.allocUnsafeSlow(BUFFER_BYTES),
      callback: (bytes, buffer) => this.#onBytes((buffer as Uint8Array).subarray(0, bytes)),
    });
    this.#socket.setNoDelay(true);
    this.#socket.setTimeout(options.connectMs);
    this.#socket.on("timeout", () => this.#onSilence());
    this.#socket.once(options.readyEvent, () => {
      this.#ready = true;
      if (this.#asked !== undefined) this.#socket.setTimeout(this.#answerMs);
    });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("end", () => this.#fail(closedError()));
    this.#socket.on("close", () => this.#fail(closedError()));
  }

  get usable(): boolean {
    return this.#error === undefined && this.#asked === undefined && this.#body === undefined;
  }

  /** Rejects with whatever the connection fails of. The body is to be taken or dropped then. */
  ask(request: string, answerMs: number): Promise<AnswerHead> {
    assert(this.usable, "a connection has one request at a time");
    this.#answerMs = answerMs;
    this.#socket.ref();
    if (this.#ready) this.#socket.setTimeout(answerMs);
    this.#socket.write(request, "latin1");
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject };
    });
  }

  /** The body of the last answer, in what `place` gives for its length. Rejects where it breaks off or stops coming. */
  take(place: (bytes: number) => Uint8Array): Promise<Uint8Array> {
    const body = this.#body;
    if (body === undefined) return Promise.reject(this.#error ?? new Error("there is no answer to be read"));
    assert(body.target === undefined, "an answer is taken once");
    const target = place(body.length);
    body.target = target;
    return new Promise((resolve, reject) => {
      body.wait = { resolve, reject };
      this.#socket.setTimeout(this.#options.bodyPauseMs);
      const held = this.#held;
      this.#held = NOTHING;
      this.#fill(body, held);
      // Even where all has come: whether the other side closes is heard of only by reading.
      this.#socket.resume();
    });
  }

  /** The body is not wanted: where it is not there already, the connection goes with it. */
  drop(): void {
    const body = this.#body;
    if (body === undefined) return;
    if (this.#held.length < body.length) return this.close(new Error("the answer is not wanted"));
    void this.take((bytes) => new Uint8Array(bytes)).catch(() => {});
  }

  close(error: Error): void {
    this.#fail(error);
  }

  /** Returns whether to go on reading. */
  #onBytes(bytes: Uint8Array): boolean {
    this.#arrivals++;
    const body = this.#body;
    if (body?.wait !== undefined) this.#fill(body, bytes);
    else if (this.#asked !== undefined) this.#onHeadBytes(bytes);
    else this.#fail(new Error("the other side sent what nobody had asked for"));
    return this.#body === undefined || this.#body.wait !== undefined;
  }

  #fill(body: Body, bytes: Uint8Array): void {
    const target = body.target as Uint8Array;
    if (bytes.length > body.length - body.filled) {
      const error = new Error(`the answer has more than the ${body.length} bytes it promised`);
      return this.#fail(error);
    }
    target.set(bytes, body.filled);
    body.filled += bytes.length;
    if (body.filled < body.length) return;
    this.#body = undefined;
    body.wait?.resolve(target);
    if (!body.keep) return this.#fail(closedError());
    this.#socket.setTimeout(this.#options.idleMs);
    // Nobody waits for anything: it keeps no process alive.
    this.#socket.unref();
    this.#options.onFree(this);
  }

  #onHeadBytes(bytes: Uint8Array): void {
    const head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    if (!begins(head)) return this.#fail(notHttpError());
    const end = Buffer.from(head.buffer, head.byteOffset, head.length).indexOf(END_OF_HEAD, 0, "latin1");
    if (end < 0) {
      if (head.length > HEAD_BYTES_MAX)
        return this.#fail(new Error(`the answer's head is longer than ${HEAD_BYTES_MAX} bytes`));
      // A copy: the buffer is filled again.
      this.#head = Buffer.from(head);
      return;
    }
    const parsed = parseHead(Buffer.from(head.buffer, head.byteOffset, end).toString("latin1"));
    if (parsed === undefined) return this.#fail(notHttpError());
    this.#head = NOTHING;
    this.#held = head.subarray(end + END_OF_HEAD.length);
    const asked = this.#asked;
    this.#asked = undefined;
    if (parsed.length === undefined) {
      // It has an end that is told otherwise, which its status may say enough without.
      asked?.resolve(parsed);
      return this.#fail(new Error("the answer does not say how long it is"));
    }
    this.#body = {
      length: parsed.length,
      target: undefined,
      filled: 0,
      wait: undefined,
      keep: parsed.headers.connection?.toLowerCase() !== "close",
    };
    asked?.resolve(parsed);
  }

  /** A thread that computed for long has not heard of what came meanwhile: that is read first. */
  #onSilence(): void {
    const arrivals = this.#arrivals;
    setImmediate(() => {
      if (this.#arrivals !== arrivals || this.#error !== undefined) return;
      if (!this.#ready) return this.#fail(timeoutError("the connection was not made in time"));
      if (this.#asked !== undefined) return this.#fail(timeoutError("it did not answer in time"));
      this.#fail(timeoutError("nothing more of its answer came"));
    });
  }

  #fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    const asked = this.#asked;
    const body = this.#body;
    this.#asked = undefined;
    this.#body = undefined;
    this.#socket.destroy();
    this.#options.onClosed(this);
    asked?.reject(error);
    if (body?.wait === undefined) return;
    body.wait.reject(
      body.filled === 0
        ? error
        : new Error(`the answer broke off after ${body.filled} of ${body.length} bytes`, { cause: error }),
    );
  }
}

/** As far as there is something of it. */
function begins(head: Uint8Array): boolean {
  const bytes = Math.min(head.length, BEGINNING.length);
  return BEGINNING.compare(head, 0, bytes, 0, bytes) === 0;
}

/** Undefined for what is no head of an answer. */
export function parseHead(text: string): AnswerHead | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    // Said twice, it is in doubt what is meant: of a length as of anything else.
    if (headers[name] !== undefined) headers[name] = `${headers[name]}, ${line.slice(colon + 1).trim()}`;
    else headers[name] = line.slice(colon + 1).trim();
  }
  return { status: Number(status), headers, length: lengthIn(headers) };
}

function lengthIn(headers: Readonly<Record<string, string>>): number | undefined {
  if (headers["transfer-encoding"] !== undefined) return undefined;
  const length = headers["content-length"];
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

const failure = (message: string, code: string): Error => Object.assign(new Error(message), { code });

const closedError = (): Error => failure("the other side closed the connection", "ECONNRESET");
const timeoutError = (message: string): Error => failure(message, "ETIMEDOUT");
/** The name by which Node says so of its own requests. */
const notHttpError = (): Error => failure("the answer is not HTTP", "HPE_INVALID_CONSTANT");
