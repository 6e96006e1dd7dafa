/** Params from a JSON file. */

import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";

/** Params are settings, not data. */
export const PARAMS_BYTES_MAX = 4 * 1024 * 1024;

/** Throws USAGE that names the file, for one that cannot be read or holds no JSON object. */
export async function readParamsFile(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readSmallFile(path);
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw refusal(path, `is not JSON: ${reason}`, cause);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw refusal(path, `holds ${showValue(value)}; it must hold an object, such as { "input": "data/*.txt" }`);
}

async function readSmallFile(path: string): Promise<string> {
  try {
    // A named pipe without a writer would never open.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw refusal(path, "is not a regular file");
      const buffer = Buffer.alloc(PARAMS_BYTES_MAX + 1);
      const bytes = await fill(buffer, (at) => file.read(buffer, at, buffer.length - at, at));
      if (bytes > PARAMS_BYTES_MAX) throw refusal(path, `is larger than ${PARAMS_BYTES_MAX} bytes`);
      return buffer.toString("utf8", 0, bytes);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof BicoastalError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    throw refusal(
      path,
      code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? String(cause)})`,
      cause,
    );
  }
}

async function fill(buffer: Buffer, read: (at: number) => Promise<{ bytesRead: number }>): Promise<number> {
  let at = 0;
  while (at < buffer.length) {
    const { bytesRead } = await read(at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return at;
}

const refusal = (path: string, what: string, cause?: unknown): BicoastalError =>
  new BicoastalError("USAGE", `--params: the file ${showValue(path)} ${what}.`, {
    details: { file: path },
    cause,
  });
