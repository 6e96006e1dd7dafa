/** A record as text for people, short whatever the record is. Never runs a user's iterator: a group is read once. */
const CHARS_MAX = 200;
const DEPTH_MAX = 3;
const ENTRIES_MAX = 12;

export function excerptOf(value: unknown): string {
  const text = show(value, 0);
  return text.length <= CHARS_MAX ? text : `${text.slice(0, CHARS_MAX)}…`;
}

function show(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length <= CHARS_MAX ? value : value.slice(0, CHARS_MAX));
    case "bigint":
      return `${value}n`;
    case "function":
      return "[a function]";
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  try {
    return showObject(value, depth);
  } catch {
    return "[an object whose fields cannot be read]";
  }
}

function showObject(value: object, depth: number): string {
  if (Array.isArray(value)) {
    if (depth >= DEPTH_MAX) return `[${value.length} values]`;
    const shown = value.slice(0, ENTRIES_MAX).map((item) => show(item, depth + 1));
    return `[${[...shown, ...more(value.length)].join(", ")}]`;
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : value.toISOString();
  const prototype: unknown = Object.getPrototypeOf(value);
  const className = prototype === null || prototype === Object.prototype ? "" : nameOf(value);
  if (className !== "" && (Symbol.iterator in value || Symbol.asyncIterator in value))
    return `[${className}]`;
  if (depth >= DEPTH_MAX) return `${className}{…}`;
  const keys = Object.keys(value);
  const shown = keys.slice(0, ENTRIES_MAX).map((key) => {
    return `${key}: ${show((value as Record<string, unknown>)[key], depth + 1)}`;
  });
  const body = [...shown, ...more(keys.length)].join(", ");
  return `${className === "" ? "" : `${className} `}{${body === "" ? "" : ` ${body} `}}`;
}

function nameOf(value: object): string {
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "an object";
}

const more = (count: number): string[] => (count > ENTRIES_MAX ? [`… ${count - ENTRIES_MAX} more`] : []);
