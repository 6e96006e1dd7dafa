const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 2 ** 10,
  m: 1e6,
  mb: 1e6,
  mib: 2 ** 20,
  g: 1e9,
  gb: 1e9,
  gib: 2 ** 30,
  t: 1e12,
  tb: 1e12,
  tib: 2 ** 40,
};

/**
 * Reads a size such as `512MiB`, `1.5 GB` or `1000000`, in any case: kB, MB, GB and TB are powers of 1000, KiB, MiB,
 * GiB and TiB of 1024. Undefined for anything else, and for what is not a positive safe whole number of bytes.
 */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,9})?)(?: ?([a-z]{1,3}))?$/i.exec(text);
  const factor = match === null ? undefined : BYTE_UNITS[(match[2] ?? "").toLowerCase()];
  if (match === null || factor === undefined) return undefined;
  const bytes = Math.floor(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
