/**
 * Calls to etcd: deadlines, tokens, and which failures are tried again.
 *
 * 1. A write is sent once. Where its answer is lost, whether it happened is unknown, and only the caller can find out.
 * 2. A read is sent again, to another member where there is one, until `READ_MS_MAX` has passed and some tries have failed.
 * 3. Everything but a stream has a deadline. A member that is cut off from the others says so at once.
 */
import { randomInt } from "node:crypto";
import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Clock } from "../../ports/clock.ts";
import { kindOf, storeClosed, storeError, textOf, Unreachable } from "./errors.ts";
import { Auth } from "./etcd-messages.ts";
import { type Member, type MemberChannel, Members } from "./members.ts";
import { type AnyMethod, encode, exchange, follow, headersOf } from "./rpc.ts";

/**
 * An election takes one to two seconds where etcd runs with its defaults. Where its machines are busy it may fail and be
 * held again, and members say all the while that there is no leader.
 */
const READ_MS_MAX = 10_000;
/** However late it is: of a process that stands still for so long only one of them is lost. */
const READ_TRIES_MIN = 3;
const RETRY_PAUSE_MS_MIN = 25;
const RETRY_PAUSE_MS_MAX = 400;
const NOT_ENABLED = "authentication is not enabled";

export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}
export interface EtcdClientOptions {
  /** `host:port`; one member of the cluster each. */
  readonly endpoints: readonly string[];
  readonly channelTo: (endpoint: string) => MemberChannel;
  readonly user?: EtcdUser | undefined;
  readonly clock: Clock;
}

export interface ReadOptions {
  /** The answer may be one member's alone, which need not know of a leader. */
  readonly isLocal?: boolean;
}

export class EtcdClient {
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  readonly #members: Members;
  readonly #user: EtcdUser | undefined;
  /** Of the user; the promise is shared by all who need one at the time. */
  #token: Promise<string | undefined> | undefined;
  #closed = false;

  constructor({ endpoints, channelTo, user, clock }: EtcdClientOptions) {
    this.endpoints = endpoints;
    this.clock = clock;
    this.#members = new Members(endpoints, channelTo, clock);
    this.#user = user;
  }

  /** Throws where the store cannot be reached, or does not know the user. */
  async connect(): Promise<void> {
    await this.#reporting(false, async () => this.#tokenFor(await this.#members.connected()));
  }

  /**
   * Also for what may be done twice without harm. A method that streams is asked once and answers once.
   * @param take What is wanted of the answer; may throw what `malformed` makes, which is as if there were none.
   */
  async read<I extends DescMessage, O extends DescMessage, T>(
    method: AnyMethod<I, O>,
    request: MessageInitShape<I>,
    take: (reply: MessageShape<O>) => T,
    options: ReadOptions = {},
  ): Promise<T> {
    const bytes = encode(method, request);
    return this.#reporting(false, async () => {
      const endMs = this.clock.monotonicMs() + READ_MS_MAX;
      let pauseMs = RETRY_PAUSE_MS_MIN;
      for (let tries = 1; ; tries++) {
        try {
          return await this.#attempt(method, bytes, take, options);
        } catch (error) {
          const kind = kindOf(error);
          const isPassing = kind === "lost" || kind === "unserved";
          const isLate = tries >= READ_TRIES_MIN && this.clock.monotonicMs() + pauseMs > endMs;
          if (!isPassing || this.#closed || isLate) throw error;
        }
        await pause(this.clock, pauseMs);
        pauseMs = Math.min(pauseMs * 2, RETRY_PAUSE_MS_MAX);
      }
    });
  }

  /** @param take As for `read`. */
  async write<I extends DescMessage, O extends DescMessage, T>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    take: (reply: MessageShape<O>) => T,
  ): Promise<T> {
    const bytes = encode(method, request);
    return this.#reporting(true, () => this.#attempt(method, bytes, take, {}));
  }

  /** Asks each member for itself, once. */
  async ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
  ): Promise<readonly { readonly endpoint: string; readonly reply: MessageShape<O> | Error }[]> {
    this.assertOpen();
    const bytes = encode(method, request);
    return Promise.all(
      this.#members.all.map(async ({ endpoint, client }) => {
        const reply = await exchange(client, method, bytes, headersOf({ isLocal: true })).catch(
          (error: Error) => error,
        );
        return { endpoint, reply };
      }),
    );
  }

  /**
   * Sends one request and hands on every reply, in order, until the stream ends or is aborted. Resolves to what ended
   * it, undefined where it just ended. After the abort nothing is handed on.
   */
  async follow<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    request: MessageInitShape<I>,
    onReply: (reply: MessageShape<O>) => void,
    signal: AbortSignal,
  ): Promise<unknown> {
    try {
      const member = await this.#members.connected();
      const headers = headersOf({ token: await this.#tokenFor(member) });
      if (signal.aborted || this.#closed) return undefined;
      const failure = await follow(member.client, method, { request, headers, onReply, signal });
      if (!signal.aborted) this.#learn(member, failure);
      return failure;
    } catch (error) {
      if (kindOf(error) === undefined) throw error;
      return error;
    }
  }

  /** Has the next request ask for a new token. */
  forgetToken(): void {
    this.#token = undefined;
  }

  assertOpen(): void {
    if (this.#closed) throw storeClosed(this.endpoints);
  }

  close(): void {
    if (!this.#closed) this.#members.close();
    this.#closed = true;
  }

  async #reporting<T>(isWrite: boolean, body: () => Promise<T>): Promise<T> {
    this.assertOpen();
    try {
      return await body();
    } catch (error) {
      throw storeError(error, this.endpoints, isWrite);
    }
  }

  async #attempt<I extends DescMessage, O extends DescMessage, T>(
    method: AnyMethod<I, O>,
    bytes: Buffer,
    take: (reply: MessageShape<O>) => T,
    options: ReadOptions,
  ): Promise<T> {
    const member = await this.#members.connected();
    const send = async (): Promise<T> => {
      const headers = headersOf({ ...options, token: await this.#tokenFor(member) });
      return take(await exchange(member.client, method, bytes, headers));
    };
    try {
      return await send();
    } catch (error) {
      this.#learn(member, error);
      // It was turned away at the door, so that sending it again sends it once.
      if (this.#user === undefined || kindOf(error) !== "token") throw error;
      return send();
    }
  }

  #learn(member: Member, failure: unknown): void {
    const kind = kindOf(failure);
    if (kind === "lost" || kind === "unserved") this.#members.doubt(member);
    if (kind === "token") this.forgetToken();
  }

  async #tokenFor(member: Member): Promise<string | undefined> {
    if (this.#user === undefined) return undefined;
    const token = this.#token ?? authenticate(member, this.#user);
    this.#token = token;
    try {
      return await token;
    } catch (error) {
      if (this.#token === token) this.#token = undefined;
      // What the token was for has not been sent.
      throw kindOf(error) === "lost" ? new Unreachable(textOf(error)) : error;
    }
  }
}

async function authenticate({ client }: Member, { name, password }: EtcdUser): Promise<string | undefined> {
  const request = encode(Auth.method.authenticate, { name, password });
  try {
    return (await exchange(client, Auth.method.authenticate, request, headersOf({}))).token;
  } catch (error) {
    // A cluster that asks nobody who he is lets everybody in.
    if (textOf(error).includes(NOT_ENABLED)) return undefined;
    throw error;
  }
}

/** Of about so long: those who failed together are not to come back together. Shorter where it is aborted. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(randomInt(Math.ceil(ms / 2), ms + 1), () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
