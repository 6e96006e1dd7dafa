// How large the data of each scale is. `full` has the sizes for which this project states its aims; the others keep
// the proportions as far as they can.

/**
 * @typedef {object} Scale
 * @property {number} rounds Times each way runs.
 * @property {number} textMb MB (10^6 bytes) of text.
 * @property {number} docsMb MB of numbered documents.
 * @property {number} rows Rows of the group-by's, join's and top-k's tables.
 * @property {number} keysMany Different keys where there are many: each in a hundred rows or more, so that summing
 *   before the shuffle is worth it, as it is in practice.
 * @property {number} sortMb MB of 100-byte records, sorted in memory.
 * @property {number} spillMb The same, sorted within `spillMemory`.
 * @property {string} spillMemory
 * @property {number} distinctRows Rows of keys, of which every fourth is new.
 * @property {number} tasks Empty tasks.
 */

/** @type {Record<string, Scale>} */
export const scales = {
  tiny: {
    rounds: 1,
    textMb: 0.5,
    docsMb: 0.3,
    rows: 5000,
    keysMany: 2000,
    sortMb: 0.5,
    spillMb: 0.5,
    spillMemory: "200MB",
    distinctRows: 5000,
    tasks: 200,
  },
  small: {
    rounds: 1,
    textMb: 50,
    docsMb: 10,
    rows: 2_000_000,
    keysMany: 20_000,
    sortMb: 100,
    spillMb: 400,
    spillMemory: "200MB",
    distinctRows: 2_000_000,
    tasks: 10_000,
  },
  medium: {
    rounds: 3,
    textMb: 300,
    docsMb: 60,
    rows: 10_000_000,
    keysMany: 100_000,
    sortMb: 300,
    spillMb: 1000,
    spillMemory: "200MB",
    distinctRows: 10_000_000,
    tasks: 50_000,
  },
  full: {
    rounds: 5,
    textMb: 1180,
    docsMb: 200,
    rows: 20_000_000,
    keysMany: 100_000,
    sortMb: 1000,
    spillMb: 2000,
    spillMemory: "300MB",
    distinctRows: 20_000_000,
    tasks: 100_000,
  },
};
