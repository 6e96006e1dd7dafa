/**
 * The values of one key, as user code sees them when they are too many for memory: an iterable that reads from disk
 * as it goes, once, and only until the next group begins.
 */
import { isPlainObject } from "../../../base/compare.ts";
import { BicoastalError } from "../../../base/errors.ts";

/**
 * How many inputs in this thread have handed out streaming groups and are still open. While it is 0, no record can
 * contain a live group and sinks need not look; it decides cost only, never a result.
 */
let streamingInputs = 0;

export const beginStreaming = (): void => {
  streamingInputs++;
};
export const endStreaming = (): void => {
  streamingInputs--;
};

export class Group implements Iterable<unknown> {
  readonly #key: unknown;
  #rest: Iterator<unknown> | undefined;
  #ended = false;

  /** `values` reads the rows of this key, once. */
  constructor(key: unknown, values: Iterator<unknown>) {
    this.#key = key;
    this.#rest = values;
  }

  /** The next group has begun, so that these values can no longer be read. */
  end(): void {
    this.#ended = true;
  }

  [Symbol.iterator](): Iterator<unknown> {
    if (this.#ended) throw consumed(this.#key, "after the next group had begun");
    const rest = this.#rest;
    if (rest === undefined) throw consumed(this.#key, "a second time");
    this.#rest = undefined;
    return {
      next: () => {
        if (this.#ended) throw consumed(this.#key, "after the next group had begun");
        return rest.next();
      },
    };
  }

  /** So that `JSON.stringify` writes an array. */
  toJSON(): unknown[] {
    return [...this];
  }
}

/**
 * The value with every streaming group in it read into an array: for whoever keeps a record beyond the record's
 * turn. Looks into arrays and plain objects; the value itself where there is no group in it.
 */
export function settled(value: unknown): unknown {
  return streamingInputs === 0 || typeof value !== "object" || value === null ? value : settle(value, 0);
}

const SETTLE_DEPTH_MAX = 16;

function settle(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null || depth > SETTLE_DEPTH_MAX) return value;
  if (value instanceof Group) return [...value];
  if (Array.isArray(value)) {
    const copy = value.map((item: unknown) => settle(item, depth + 1));
    return copy.some((item, i) => item !== value[i]) ? copy : value;
  }
  if (!isPlainObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const item = settle(value[name], depth + 1);
    if (item === value[name]) continue;
    copy ??= { ...value };
    copy[name] = item;
  }
  return copy ?? value;
}

function consumed(key: unknown, when: string): BicoastalError {
  const shown = String(typeof key === "object" ? JSON.stringify(key) : key).slice(0, 100);
  return new BicoastalError(
    "GROUP_CONSUMED",
    `The values of the group ${shown} were read ${when}. Groups too large for memory are read from disk, once. ` +
      "To keep them or read them again, copy them first: `const all = [...values]`.",
    { details: { key: shown } },
  );
}
