/**
 * The keys met so far, each with a number from 0 in order of arrival: an open-addressing table over typed arrays.
 * Owners keep what belongs to a key in arrays indexed by that number, so that no object is made per key.
 *
 * Invariant: the table is at most half full, and every entry's hash is `hashKey` of its key.
 */
import { compareKeys, sameKey } from "../../base/compare.ts";
import { owned } from "./own-string.ts";

const SLOTS_MIN = 1 << 10;

export class KeyTable {
  /** By entry. */
  readonly keys: unknown[] = [];
  #hashes = new Uint32Array(SLOTS_MIN / 2);
  /** Entry + 1; 0 is free. */
  #slots = new Uint32Array(SLOTS_MIN);

  get size(): number {
    return this.keys.length;
  }

  hashOf(entry: number): number {
    return this.#hashes[entry] as number;
  }

  /** The entry of this key; a new one, numbered `size` as it was before, where there is none. */
  enter(key: unknown, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const taken = slots[slot] as number;
      if (taken === 0) return this.#add(slot, key, hash);
      if (this.#hashes[taken - 1] === hash && sameKey(this.keys[taken - 1], key)) return taken - 1;
      slot = (slot + 1) & mask;
    }
  }

  clear(): void {
    this.keys.length = 0;
    this.#slots.fill(0);
  }

  /** All entries, by key. */
  sorted(): Uint32Array {
    const { keys } = this;
    const order = new Uint32Array(keys.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    if (keys.every((key) => typeof key === "string")) {
      // Keys are distinct, so equality need not be asked for.
      return order.sort((a, b) => ((keys[a] as string) < (keys[b] as string) ? -1 : 1));
    }
    return order.sort((a, b) => compareKeys(keys[a], keys[b]));
  }

  #add(slot: number, key: unknown, hash: number): number {
    const entry = this.keys.length;
    this.keys.push(owned(key));
    this.#hashes[entry] = hash;
    this.#slots[slot] = entry + 1;
    if (this.keys.length * 2 >= this.#slots.length) this.#grow();
    return entry;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const hashes = new Uint32Array(slots.length / 2);
    hashes.set(this.#hashes);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.keys.length; entry++) {
      let slot = (hashes[entry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
    this.#hashes = hashes;
  }
}
