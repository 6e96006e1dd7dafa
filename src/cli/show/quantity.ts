/** Numbers, sizes, times and rates for people: one form for each, the same on every machine and in every locale. */

/** `1,234,567`, `-0.5`, `1e+21`: digits of the whole part in threes, nothing rounded. */
export function groupDigits(value: number | bigint): string {
  const text = String(value);
  const match = /^(-?)(\d+)(\.\d+)?$/.exec(text);
  if (match === null) return text;
  const [, sign = "", whole = "", fraction = ""] = match;
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + fraction;
}

const BYTE_UNITS = ["kB", "MB", "GB", "TB", "PB"] as const;

/** `812 B`, `3.4 MB`: powers of 1000, two or three significant digits. */
export function formatBytes(bytes: number): string {
  if (!(bytes >= 1000)) return `${Math.round(bytes)} B`;
  let value = bytes;
  for (const unit of BYTE_UNITS) {
    value /= 1000;
    // 999.95 kB would print as 1000 kB.
    if (value < 999.5 || unit === "PB")
      return `${value < 9.95 ? value.toFixed(1) : groupDigits(Math.round(value))} ${unit}`;
  }
  return `${bytes} B`;
}

/** `0.42 s`, `6.1 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return `${groupDigits(Math.floor(hours / 24))} d ${hours % 24} h`;
}

/** `just now`, `5 min ago`, `3 h ago`, `12 d ago`; after a month the date. */
export function formatAgo(atMs: number, nowMs: number): string {
  const seconds = Math.floor((nowMs - atMs) / 1000);
  if (seconds < 0) return formatDate(atMs);
  if (seconds < 10) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 30 * 86_400) return `${Math.floor(seconds / 86_400)} d ago`;
  return formatDate(atMs);
}

/** `2026-03-01 14:05:09 UTC`; a time that no calendar has is shown as its number. */
export function formatDate(atMs: number): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return String(atMs);
  return `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** `1 row`, `1,234 rows`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${groupDigits(count)} ${count === 1 ? one : many}`;
}

/** `950`, `12.3 k`, `1.2 M`: for figures that change while one looks. */
export function formatCount(value: number): string {
  if (value < 10_000) return groupDigits(Math.round(value));
  let scaled = value;
  for (const unit of ["k", "M", "G", "T"]) {
    scaled /= 1000;
    if (scaled < 999.5 || unit === "T")
      return `${scaled < 99.95 ? scaled.toFixed(1) : groupDigits(Math.round(scaled))} ${unit}`;
  }
  return String(value);
}

const twoDigits = (value: number): string => String(value).padStart(2, "0");
