/**
 * Short ranges of another node's blobs, several in a request: those that are asked for in the same turn. What a request costs
 * both nodes is many times what a few kilobytes cost that lie in memory, and a task behind a shuffle reads some of every block.
 *
 * Owns no failure but that of the request: what a node does not give here is asked for by itself, and the answer to that says
 * why.
 */
import type { NodeId } from "../../base/ids.ts";
import {
  ask,
  bodyOf,
  type FetchedRange,
  type PeerAccess,
  RANGE_MS_MAX,
  type RangeAsker,
  type RemoteBlob,
  unreachableAs,
} from "./ask-peer.ts";
import { RANGES_HEADER } from "./peer-headers.ts";
import { askedText, parseGiven } from "./range-list.ts";
import { AT_ONCE_BYTES, RANGES_MAX, RANGES_TEXT_MAX } from "./server-limits.ts";

interface Wish {
  readonly blob: RemoteBlob;
  readonly text: string;
  readonly resolve: (got: FetchedRange | undefined) => void;
  readonly reject: (error: unknown) => void;
}

export class RangeBatches implements RangeAsker {
  readonly #access: PeerAccess;
  #wishes = new Map<NodeId, Wish[]>();

  constructor(access: PeerAccess) {
    this.#access = access;
  }

  ask(blob: RemoteBlob, range: string): Promise<FetchedRange | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#wishes.size === 0) setImmediate(() => this.#flush());
      const wish = { blob, text: askedText({ key: blob.key, range }), resolve, reject };
      const others = this.#wishes.get(blob.node);
      if (others === undefined) this.#wishes.set(blob.node, [wish]);
      else others.push(wish);
    });
  }

  #flush(): void {
    const wishes = this.#wishes;
    this.#wishes = new Map();
    for (const all of wishes.values()) for (const batch of batchesOf(all)) void this.#send(batch);
  }

  async #send(wishes: readonly Wish[]): Promise<void> {
    const [first] = wishes;
    if (first === undefined) return;
    const isKnown = this.#access.addressOf(first.blob.node) !== undefined;
    try {
      // One that is alone, or goes nowhere, has its own way.
      const got = wishes.length > 1 && isKnown ? await this.#fetch(first.blob, wishes) : [];
      for (const [index, wish] of wishes.entries()) wish.resolve(got[index]);
    } catch (error) {
      for (const wish of wishes) wish.reject(unreachableAs(this.#access, wish.blob, error));
    }
  }

  /** Empty where the node does not give what it was asked for so. */
  async #fetch(first: RemoteBlob, wishes: readonly Wish[]): Promise<readonly (FetchedRange | undefined)[]> {
    const access = this.#access;
    const headers = { [RANGES_HEADER]: wishes.map(({ text }) => text).join(",") };
    const given = await ask(access, first, { method: "GET", path: "/v1/blobs", headers }, RANGE_MS_MAX);
    const ranges = given.status === 200 ? parseGiven(given.headers[RANGES_HEADER], wishes.length) : undefined;
    if (ranges === undefined) {
      given.drop();
      return [];
    }
    const body = await bodyOf(access, first, given, wishes.length * AT_ONCE_BYTES);
    let end = 0;
    const got = ranges.map((one) => {
      if (one === undefined) return undefined;
      const start = end;
      end += one.range.bytes;
      return { ...one, bytes: body.subarray(start, end) };
    });
    return end === body.length ? got : [];
  }
}

function* batchesOf(wishes: readonly Wish[]): Generator<readonly Wish[], void> {
  let batch: Wish[] = [];
  let textLength = 0;
  for (const wish of wishes) {
    const length = wish.text.length + 1;
    if (batch.length === RANGES_MAX || textLength + length > RANGES_TEXT_MAX) {
      yield batch;
      batch = [];
      textLength = 0;
    }
    batch.push(wish);
    textLength += length;
  }
  yield batch;
}
