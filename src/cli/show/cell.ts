/** One value as one line of text for a table. */
import { escapeText } from "./escape.ts";
import { groupDigits } from "./quantity.ts";
import { truncateToWidth } from "./width.ts";

/** No cell is wider than this, however wide the terminal. */
export const CELL_WIDTH_MAX = 120;
/** A value is walked no deeper and no further than a reader would follow it in a cell. */
const DEPTH_MAX = 4;
const ITEMS_MAX = 20;

export interface Cell {
  readonly text: string;
  readonly align: "left" | "right";
}

export function cellOf(value: unknown): Cell {
  switch (typeof value) {
    case "number":
    case "bigint":
      return { text: groupDigits(value), align: "right" };
    case "undefined":
      return { text: "", align: "left" };
    case "string":
      return { text: cut(value), align: "left" };
    default:
      return { text: cut(describe(value, 0)), align: "left" };
  }
}

// Escaping makes text longer, never shorter, so cutting first by characters loses nothing that would be shown.
const cut = (text: string): string =>
  truncateToWidth(escapeText(text.slice(0, CELL_WIDTH_MAX * 8)), CELL_WIDTH_MAX);

/** Like JSON, but for all that structured clone knows, and without an end to wait for. */
function describe(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.slice(0, CELL_WIDTH_MAX));
    case "bigint":
      return `${value}n`;
    case "symbol":
    case "function":
      return typeof value;
    case "object":
      return value === null ? "null" : describeObject(value, depth);
    default:
      return String(value);
  }
}

function describeObject(value: object, depth: number): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (value instanceof RegExp || value instanceof Error) return String(value);
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? "[…]" : "{…}";
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `${value.constructor.name}${list(value as unknown as Iterable<unknown>, depth, "[", "]")}`;
  }
  if (value instanceof Set) return `Set${list(value, depth, "{", "}")}`;
  if (value instanceof Map) return `Map${list(pairsOf(value, depth), depth, "{", "}", String)}`;
  if (Array.isArray(value)) return list(value, depth, "[", "]");
  return list(fieldsOf(value, depth), depth, "{", "}", String);
}

function* pairsOf(map: ReadonlyMap<unknown, unknown>, depth: number): Generator<string> {
  for (const [key, item] of map) yield `${describe(key, depth + 1)}: ${describe(item, depth + 1)}`;
}

function* fieldsOf(value: object, depth: number): Generator<string> {
  for (const key of Object.keys(value)) {
    const name = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? key : JSON.stringify(key);
    yield `${name}: ${describe((value as Record<string, unknown>)[key], depth + 1)}`;
  }
}

function list(
  items: Iterable<unknown>,
  depth: number,
  open: string,
  close: string,
  show: (item: unknown) => string = (item) => describe(item, depth + 1),
): string {
  const shown: string[] = [];
  for (const item of items) {
    if (shown.length === ITEMS_MAX) {
      shown.push("…");
      break;
    }
    shown.push(show(item));
  }
  return open + shown.join(", ") + close;
}
