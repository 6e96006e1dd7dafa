/** What is known of JSON lines of which only named fields are read: the order of their keys, and the loop made of it. */
import type { FieldTypes } from "../../plan/node.ts";
import { type Field, fieldsOf, GENERATED_FIELDS_MAX, type MakeRow, rowMaker } from "./fields.ts";
import { type FieldsLoop, jsonLoop } from "./json-loop.ts";
import { keysOf, mergeKeys } from "./json-shape.ts";

/** Schemas whose loops are kept: the tasks of a thread mostly read files alike, and stay optimised. */
const SCHEMAS_KEPT_MAX = 64;
/** What the tasks of a thread share that read the same fields: what was learned, and the loop that came of it. */
export class JsonSchema {
  readonly fields: readonly Field[];
  readonly makeRow: MakeRow;
  readonly hasStrings: boolean;
  loop: FieldsLoop | undefined;
  /** Records that were taken by what is known of the keys: by the loop, or by whoever does the same. */
  taken = 0;
  #keys: readonly string[] = [];
  #missed = 0;
  #lessons = 0;
  #nextLesson = 1;
  /** As they were when the keys last changed. */
  #takenBefore = 0;
  #missedBefore = 0;

  /** Of the records, in the order in which they come, as far as it is known. Another list each time it changes. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  constructor(types: FieldTypes) {
    this.fields = fieldsOf(types);
    this.makeRow = rowMaker(this.fields.map(({ name }) => name));
    this.hasStrings = this.fields.some(({ kind }) => kind === "string");
    if (this.fields.length > GENERATED_FIELDS_MAX) this.#nextLesson = Number.POSITIVE_INFINITY;
  }

  /**
   * Looks at a valid record that the loop did not take. Lessons get rarer by and by, as a loop made anew has to be
   * optimised again; keys that contradict the known order replace it only where it does not pay.
   */
  learn(bytes: Buffer, at: number): void {
    this.#missed += 1;
    if (this.#missed < this.#nextLesson) return;
    this.#lessons += 1;
    this.#nextLesson = this.#missed + this.#lessons ** 2;
    const keys = keysOf(bytes, at);
    if (keys === undefined) return;
    const isPoor = this.taken - this.#takenBefore < this.#missed - this.#missedBefore;
    const merged = mergeKeys(this.#keys, keys) ?? (isPoor ? keys : this.#keys);
    if (merged.length === this.#keys.length && merged.every((key, index) => key === this.#keys[index]))
      return;
    this.#keys = merged;
    this.loop = jsonLoop(merged, this.fields, this.makeRow);
    this.#takenBefore = this.taken;
    this.#missedBefore = this.#missed;
  }
}

const kept = new Map<string, JsonSchema>();

export function schemaOf(types: FieldTypes): JsonSchema {
  const key = JSON.stringify(Object.entries(types));
  let schema = kept.get(key);
  if (schema === undefined) {
    schema = new JsonSchema(types);
    if (kept.size >= SCHEMAS_KEPT_MAX) kept.delete(kept.keys().next().value as string);
    kept.set(key, schema);
  }
  return schema;
}
