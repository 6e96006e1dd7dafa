import type { Batch, BatchInput } from "../batch.ts";

/** Several inputs, one after the other; each is opened when its turn comes. */
export class SequenceInput implements BatchInput {
  readonly #openers: readonly (() => BatchInput | Promise<BatchInput>)[];
  #turn = 0;
  #current: BatchInput | undefined;
  #bytesBefore = 0;

  constructor(openers: readonly (() => BatchInput | Promise<BatchInput>)[]) {
    this.#openers = openers;
  }

  get bytesIn(): number {
    return this.#bytesBefore + (this.#current?.bytesIn ?? 0);
  }

  async next(): Promise<Batch | undefined> {
    for (;;) {
      if (this.#current === undefined) {
        const open = this.#openers[this.#turn];
        if (open === undefined) return undefined;
        this.#turn += 1;
        this.#current = await open();
      }
      const batch = await this.#current.next();
      if (batch !== undefined) return batch;
      this.#bytesBefore += this.#current.bytesIn;
      this.#current.close();
      this.#current = undefined;
    }
  }

  close(): void {
    this.#turn = this.#openers.length;
    this.#current?.close();
  }
}
