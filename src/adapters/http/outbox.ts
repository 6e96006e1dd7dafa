/** Bytes of messages, in a batch. */
export interface MessageCodec<Message> {
  encode(messages: readonly Message[]): Uint8Array;
  /** Throws where the bytes are anything else. `source`: who they are from, for the error's message. */
  decode(bytes: Uint8Array, source: string): readonly Message[];
}

/** Most that wait for one peer: of states, the newest says what the ones before it said. */
const MESSAGES_MAX = 1024;
const BATCH_MESSAGES_MAX = 128;
/** Longest batch, as it is sent. */
export const BATCH_BYTES_MAX = 16 * 1024 * 1024;

/** Messages for one peer that have not left. */
export class Outbox<Message> {
  readonly #codec: MessageCodec<Message>;
  readonly #batchBytesMax: number;
  readonly #onDropped: (messages: number) => void;
  #messages: Message[] = [];

  constructor(
    codec: MessageCodec<Message>,
    onDropped: (messages: number) => void,
    batchBytesMax: number = BATCH_BYTES_MAX,
  ) {
    this.#codec = codec;
    this.#onDropped = onDropped;
    this.#batchBytesMax = batchBytesMax;
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Drops the oldest where there are too many. */
  push(message: Message): void {
    this.#messages.push(message);
    if (this.#messages.length <= MESSAGES_MAX) return;
    this.#messages.shift();
    this.#onDropped(1);
  }

  /** The oldest messages that fit into a batch, which are gone from here; undefined where there are none. */
  take(): Uint8Array | undefined {
    let count = Math.min(this.#messages.length, BATCH_MESSAGES_MAX);
    while (count > 0) {
      const bytes = this.#codec.encode(this.#messages.slice(0, count));
      const fits = bytes.length <= this.#batchBytesMax;
      if (fits || count === 1) this.#messages.splice(0, count);
      if (fits) return bytes;
      if (count > 1) count >>= 1;
      else {
        this.#onDropped(1);
        count = Math.min(this.#messages.length, BATCH_MESSAGES_MAX);
      }
    }
    return undefined;
  }
}
