const SHOWN_CHARS_MAX = 60;

/** A user's value in an error message: short, on one line, and never a reason for a second error. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return cut(JSON.stringify(value));
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return cut(`${value}n`);
    case "symbol":
      return "a symbol";
    case "function":
      return value.name === "" ? "a function" : `the function ${cut(value.name)}`;
    case "object":
      return showObject(value);
    default:
      return String(value);
  }
}

function showObject(value: object | null): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isPromiseLike(value)) return "a promise";
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return showFields(value);
  const name: unknown = (prototype as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? `an object of class ${cut(name)}` : "an object";
}

function showFields(value: object): string {
  const names = Object.keys(value);
  return names.length === 0 ? "an empty object" : cut(`an object { ${names.slice(0, 5).join(", ")} }`);
}

const cut = (text: string): string =>
  text.length <= SHOWN_CHARS_MAX
    ? text
    : `${text.slice(0, SHOWN_CHARS_MAX).replace(/[\ud800-\udbff]$/, "")}…`;

/** Anything with a `then`: what `await` would wait for. */
export const isPromiseLike = (value: unknown): boolean =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
