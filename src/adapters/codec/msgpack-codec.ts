/**
 * The general codec for values that fit no column, on msgpackr. A walk before it refuses what cannot leave a task,
 * and replaces what msgpackr would quietly change (-0, lone surrogates, fields named `__proto__` or `constructor`)
 * by an escape that is undone on reading.
 *
 * Kept: everything structured clone knows, but for identity: a value that occurs twice becomes two. Objects without
 * a prototype become plain ones, holes in arrays become undefined, and instances of the user's classes are refused
 * rather than stripped of their methods in silence.
 */
import { createRequire } from "node:module";
import type { Packr } from "msgpackr";
import { BicoastalError } from "../../base/errors.ts";
import type { ValueCodec } from "../../ports/codec.ts";
import { checkClaims } from "./msgpack-check.ts";

/** Deeper values are refused; one that contains itself would never end. */
export const VALUE_DEPTH_MAX = 500;

const EXTENSION_TYPE = 1;

/** Stands for a value in the encoded form. */
class Escape {
  readonly tag: "-0" | "utf16" | "fields";
  readonly content: unknown;

  constructor(tag: "-0" | "utf16" | "fields", content: unknown) {
    this.tag = tag;
    this.content = content;
  }
}

/** Loaded when the first value needs it: most jobs move texts and numbers alone, and every thread would wait for it. */
function createPackr(): Packr {
  const { addExtension, Packr } = createRequire(import.meta.url)("msgpackr") as typeof import("msgpackr");
  addExtension({
    Class: Escape,
    type: EXTENSION_TYPE,
    write: (value: Escape) => [value.tag, value.content],
    read: ([tag, content]: [Escape["tag"], unknown]) => unescaped(tag, content),
  });
  return new Packr({
    moreTypes: true,
    useBigIntExtension: true,
    copyBuffers: true,
    variableMapSize: true,
  });
}

let loaded: Packr | undefined;

function packr(): Packr {
  loaded ??= createPackr();
  return loaded;
}

export function createMsgpackCodec(): ValueCodec {
  return {
    encode: (values) => packr().pack(prepareAll(values)),
    decode(bytes) {
      checkClaims(bytes);
      const values: unknown = packr().unpack(bytes);
      if (!Array.isArray(values)) throw new RangeError("these bytes do not hold an array of values");
      return values;
    },
  };
}

function unescaped(tag: Escape["tag"], content: unknown): unknown {
  switch (tag) {
    case "-0":
      return -0;
    case "utf16":
      return Buffer.from(content as Uint8Array).toString("utf16le");
    case "fields": {
      const record = {};
      for (const [name, value] of content as [string, unknown][]) {
        Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
      }
      return record;
    }
  }
}

function prepareAll(values: readonly unknown[]): readonly unknown[] {
  try {
    return prepareList(values, 0);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw unencodable(error.what, error.advice, values);
  }
}

/** The value itself, or a copy with escapes where something needs one. */
function prepare(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case "number":
      // Of the many NaNs always the same one: equal values must be equal bytes.
      if (Number.isNaN(value)) return Number.NaN;
      return Object.is(value, -0) ? new Escape("-0", null) : value;
    case "string":
      return prepareString(value);
    case "object":
      return value === null ? null : prepareObject(value, depth);
    case "function":
      throw new Refusal("a function", "Call it and keep what it returns.");
    case "symbol":
      throw new Refusal("a symbol", "Use a string.");
    default:
      return value;
  }
}

const surrogate = /[\ud800-\udfff]/;
const loneSurrogate = /\p{Surrogate}/u;

function prepareString(text: string): unknown {
  return surrogate.test(text) && loneSurrogate.test(text)
    ? new Escape("utf16", Buffer.from(text, "utf16le"))
    : text;
}

function prepareObject(value: object, depth: number): unknown {
  if (depth >= VALUE_DEPTH_MAX) {
    throw new Refusal(
      `something nested deeper than ${VALUE_DEPTH_MAX} levels, or itself`,
      "Keep flat records.",
    );
  }
  if (Array.isArray(value)) return prepareList(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return prepareRecord(value as Record<string, unknown>, prototype === null, depth);
  }
  if (value instanceof Date || value instanceof RegExp || value instanceof Error) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value;
  if (value instanceof Set) return new Set(prepareList([...value], depth));
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [prepare(key, depth + 1), prepare(item, depth + 1)]));
  }
  throw refusalOf(value);
}

function prepareList(values: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < values.length; i++) {
    const prepared = prepare(values[i], depth + 1);
    if (prepared === values[i]) continue;
    copy ??= values.slice();
    copy[i] = prepared;
  }
  return copy ?? values;
}

function prepareRecord(record: Record<string, unknown>, copyAlways: boolean, depth: number): unknown {
  const names = Object.keys(record);
  let copy = copyAlways ? { ...record } : undefined;
  let escaped = false;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name === "__proto__" || name === "constructor" || surrogate.test(name)) escaped = true;
    const prepared = prepare(record[name], depth + 1);
    if (prepared === record[name]) continue;
    copy ??= { ...record };
    if (name !== "__proto__") copy[name] = prepared;
    else Object.defineProperty(copy, name, { value: prepared });
  }
  if (!escaped) return copy ?? record;
  return new Escape(
    "fields",
    Object.entries(copy ?? record).map(([name, value]) => [prepareString(name), value]),
  );
}

/** Thrown inside the walk only; the place is looked for when there is an error to report. */
class Refusal extends Error {
  readonly what: string;
  readonly advice: string;

  constructor(what: string, advice: string) {
    super(what);
    this.what = what;
    this.advice = advice;
  }
}

function refusalOf(value: object): Refusal {
  if (value instanceof Promise) {
    return new Refusal("a promise", "Functions of a job return values, not promises.");
  }
  const prototype = Object.getPrototypeOf(value) as { constructor?: { name?: unknown } };
  const name = prototype.constructor?.name;
  return new Refusal(
    typeof name === "string" && name !== "" ? `an instance of ${name}` : "an instance of a class",
    "Turn it into a plain object first, as with `{ ...value }`, and make the instance again where it is used.",
  );
}

function unencodable(what: string, advice: string, values: readonly unknown[]): BicoastalError {
  // The first step is the position in the batch, which tells the user nothing.
  const place = placeOf(values).slice(1).join("").slice(0, 200);
  return new BicoastalError(
    "VALUE_UNENCODABLE",
    `A record cannot leave its task: ${place === "" ? "it" : `its ${place.replace(/^\./, "")}`} is ${what}. ${advice}`,
    { details: { value: what, place } },
  );
}

/** The steps to the first value that is refused. */
function placeOf(value: unknown): string[] {
  const steps: string[] = [];
  let current: unknown = value;
  while (typeof current === "object" && current !== null && steps.length < 8) {
    const step = childrenOf(current).find(([, child]) => isRefused(child));
    if (step === undefined) break;
    steps.push(step[0]);
    current = step[1];
  }
  return steps;
}

function childrenOf(value: object): [string, unknown][] {
  if (Array.isArray(value)) return value.map((child: unknown, i) => [`[${i}]`, child]);
  if (value instanceof Map)
    return [...value].flatMap(([key, item]) => [
      [".key", key],
      [".value", item],
    ]);
  if (value instanceof Set) return [...value].map((child) => [".item", child]);
  return Object.entries(value).map(([name, child]) => [`.${name}`, child]);
}

function isRefused(value: unknown): boolean {
  try {
    prepare(value, 0);
    return false;
  } catch (error) {
    return error instanceof Refusal;
  }
}
