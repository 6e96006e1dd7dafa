// A hash table from strings to numbers, faster than a Map: open addressing over typed arrays, hashes kept.

const emptySlots = 1 << 16;

/** @param {string} key */
export function hashOf(key) {
  let hash = 0;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return hash;
}

/** Makes a slice a string of its own, so that it does not keep its whole chunk. @param {string} text */
export const flat = (text) => (text.length > 12 ? Buffer.from(text, "latin1").toString("latin1") : text);

export class Counts {
  /** @type {string[]} */
  keys = [];
  sums = new Float64Array(emptySlots >> 1);
  #hashes = new Int32Array(emptySlots >> 1);
  /** Index of the entry plus one. */
  #slots = new Int32Array(emptySlots);

  /** @param {string} key @param {number} value */
  add(key, value) {
    const hash = hashOf(key);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      const index = /** @type {number} */ (entry) - 1;
      if (this.#hashes[index] === hash && this.keys[index] === key) {
        this.sums[index] = /** @type {number} */ (this.sums[index]) + value;
        return;
      }
      slot = (slot + 1) & mask;
    }
    const index = this.keys.length;
    this.keys.push(flat(key));
    this.#hashes[index] = hash;
    this.sums[index] = value;
    slots[slot] = index + 1;
    if (this.keys.length * 2 >= slots.length) this.#grow();
  }

  /** @param {string} key @returns {number | undefined} */
  get(key) {
    const hash = hashOf(key);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let entry = slots[slot]; entry !== 0; entry = slots[slot]) {
      const index = /** @type {number} */ (entry) - 1;
      if (this.#hashes[index] === hash && this.keys[index] === key) return this.sums[index];
      slot = (slot + 1) & mask;
    }
    return undefined;
  }

  #grow() {
    const slots = new Int32Array(this.#slots.length * 2);
    const hashes = new Int32Array(slots.length >> 1);
    const sums = new Float64Array(slots.length >> 1);
    hashes.set(this.#hashes);
    sums.set(this.sums);
    const mask = slots.length - 1;
    for (let index = 0; index < this.keys.length; index++) {
      let slot = /** @type {number} */ (hashes[index]) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = index + 1;
    }
    this.#slots = slots;
    this.#hashes = hashes;
    this.sums = sums;
  }

  /** For `postMessage`: one string and two arrays are far cheaper than an object for each key. */
  packed() {
    return { keys: this.keys.join("\n"), sums: this.sums.slice(0, this.keys.length) };
  }

  /** @param {{ keys: string, sums: Float64Array }} packed */
  addPacked({ keys, sums }) {
    if (sums.length === 0) return;
    const list = keys.split("\n");
    for (let i = 0; i < list.length; i++)
      this.add(/** @type {string} */ (list[i]), /** @type {number} */ (sums[i]));
  }

  /** @param {number} count @param {(sum: number) => number} [value] @returns {[string, number][]} */
  most(count, value = (sum) => sum) {
    const order = Uint32Array.from(this.keys, (_, i) => i);
    order.sort((a, b) => /** @type {number} */ (this.sums[b]) - /** @type {number} */ (this.sums[a]));
    return Array.from(order.subarray(0, count), (i) => [this.keys[i] ?? "", value(this.sums[i] ?? 0)]);
  }
}

/** @param {readonly unknown[]} rows */
export const printRows = (rows) =>
  process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
