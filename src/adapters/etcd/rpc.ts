/** One call to one member, with messages in and out. */
import {
  create,
  type DescMessage,
  type DescMethodBiDiStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, type ClientDuplexStream, Metadata, status } from "@grpc/grpc-js";
import { malformed } from "./malformed.ts";

/** For one request to one member. A member that does not answer for so long will not. */
const CALL_MS_MAX = 2_000;

export type AnyMethod<I extends DescMessage, O extends DescMessage> =
  | DescMethodUnary<I, O>
  | DescMethodBiDiStreaming<I, O>;

export interface HeaderOptions {
  readonly token?: string | undefined;
  /** Else a member that knows of no leader refuses at once, rather than let the caller wait. */
  readonly isLocal?: boolean;
}

export function headersOf({ token, isLocal = false }: HeaderOptions): Metadata {
  const headers = new Metadata();
  if (!isLocal) headers.set("hasleader", "true");
  if (token !== undefined) headers.set("token", token);
  return headers;
}

/** Taken when the call is made: the caller may use its arrays again afterwards. */
export function encode<I extends DescMessage>(
  method: AnyMethod<I, DescMessage>,
  request: MessageInitShape<I>,
): Buffer {
  const bytes = toBinary(method.input, create(method.input, request));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A method that streams is asked once and answers once. Throws gRPC's `ServiceError`, and one of `malformed`. */
export async function exchange<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: AnyMethod<I, O>,
  request: Buffer,
  headers: Metadata,
): Promise<MessageShape<O>> {
  const options = { deadline: Date.now() + CALL_MS_MAX };
  const reply = await new Promise<Buffer>((resolve, reject) => {
    if (method.methodKind === "unary") {
      client.makeUnaryRequest(pathOf(method), same, same, request, headers, options, (error, bytes) =>
        error === null && bytes !== undefined ? resolve(bytes) : reject(error),
      );
      return;
    }
    const stream = client.makeBidiStreamRequest(pathOf(method), same, same, headers, options);
    stream.once("data", (bytes: Buffer) => {
      resolve(bytes);
      stream.cancel();
    });
    stream.on("error", reject);
    stream.on("end", () => reject(endedEarly()));
    stream.end(request);
  });
  return decode(method, reply);
}

export interface Following<I extends DescMessage, O extends DescMessage> {
  readonly request: MessageInitShape<I>;
  readonly headers: Metadata;
  /** May throw what `malformed` makes, which ends the stream. */
  readonly onReply: (reply: MessageShape<O>) => void;
  readonly signal: AbortSignal;
}

/**
 * Resolves to what ended the stream, undefined where it just ended; nothing is handed on after the abort, nor after a reply
 * that makes no sense.
 */
export function follow<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
  { request, headers, onReply, signal }: Following<I, O>,
): Promise<unknown> {
  return new Promise((resolve) => {
    const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
      pathOf(method),
      same,
      same,
      headers,
      {},
    );
    let hasEnded = false;
    const stop = (): void => stream.cancel();
    const ended = (failure?: unknown): void => {
      hasEnded = true;
      signal.removeEventListener("abort", stop);
      resolve(failure);
    };
    signal.addEventListener("abort", stop, { once: true });
    stream.on("data", (bytes: Buffer) => {
      if (signal.aborted || hasEnded) return;
      try {
        onReply(decode(method, bytes));
      } catch (error) {
        ended(error);
        stream.cancel();
      }
    });
    stream.on("error", ended);
    stream.on("end", () => ended());
    stream.write(encode(method, request));
  });
}

const endedEarly = (): Error => {
  const details = "the stream ended without an answer";
  return Object.assign(new Error(details), { code: status.UNAVAILABLE, details });
};

const pathOf = (method: AnyMethod<DescMessage, DescMessage>): string =>
  `/${method.parent.typeName}/${method.name}`;

const same = (bytes: Buffer): Buffer => bytes;

/** As plain arrays: what is in a message is handed on to callers, whom Node's own kind is not promised. */
const decode = <I extends DescMessage, O extends DescMessage>(
  method: AnyMethod<I, O>,
  bytes: Buffer,
): MessageShape<O> => {
  try {
    return fromBinary(method.output, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  } catch (cause) {
    throw malformed(`${method.name} was answered with what is no ${method.output.name}`, cause);
  }
};
