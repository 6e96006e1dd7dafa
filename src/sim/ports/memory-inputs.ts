import { BicoastalError } from "../../base/errors.ts";
import type { InputFile } from "../../plan/task.ts";
import type { InputReader, InputStream, Inputs } from "../../ports/inputs.ts";

interface MemoryFile {
  readonly bytes: Uint8Array;
  readonly mtimeMs: number;
}

/** Where relative patterns start. */
const ROOT = "/";

const WILDCARDS = new Map([
  ["*", "[^/]*"],
  ["?", "[^/]"],
  ["{", "(?:"],
  ["}", ")"],
  [",", "|"],
]);

/** @param files Absolute paths with their content. */
export function createMemoryInputs(
  files: Iterable<readonly [string, Uint8Array | string]> = [],
): MemoryInputs {
  const inputs = new MemoryInputs();
  for (const [path, content] of files) inputs.write(path, content);
  return inputs;
}

/**
 * Files held in memory under absolute paths. Time is a counter that moves with each write, so a file written again
 * is always another one. Globs know `*`, `**`, `?` and `{a,b}`.
 */
export class MemoryInputs implements Inputs {
  readonly #files = new Map<string, MemoryFile>();
  #writes = 0;

  /** @param path Absolute, with `/`. Makes the file, or replaces it. */
  write(path: string, content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? Buffer.from(content) : Uint8Array.from(content);
    this.#writes += 1;
    this.#files.set(path, { bytes, mtimeMs: this.#writes });
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  async list(patterns: readonly string[]): Promise<readonly InputFile[]> {
    if (patterns.length === 0) throw notFound("", "No input is named: the list of paths is empty.");
    const paths = new Set<string>();
    for (const pattern of patterns) {
      for (const path of this.#match(pattern)) paths.add(path);
    }
    return [...paths].sort().map((path) => this.#describe(path));
  }

  async open(file: InputFile): Promise<InputReader> {
    this.#verified(file);
    return {
      bytes: file.sizeBytes,
      readAt: (position, target) => {
        const { bytes } = this.#verified(file);
        const part = bytes.subarray(position, position + target.length);
        target.set(part);
        return part.length;
      },
      close: () => {},
    };
  }

  async openGzip(file: InputFile): Promise<InputStream> {
    const { bytes } = this.#verified(file);
    return new MemoryGzipStream(file.path, bytes);
  }

  #match(pattern: string): readonly string[] {
    if (pattern === "" || pattern.includes("\0"))
      throw notFound(pattern, "An input path is empty or has a NUL.");
    const path = absolute(pattern);
    if (this.#files.has(path)) return [path];
    const below = path === "/" ? "/" : `${path}/`;
    const inside = [...this.#files.keys()].filter((key) => key.startsWith(below));
    const shape = globShape(path);
    const found =
      inside.length > 0
        ? inside.filter((key) => !key.slice(below.length - 1).includes("/."))
        : [...this.#files.keys()].filter((key) => shape.test(key));
    if (found.length === 0) throw notFound(pattern, `No file is named by ${JSON.stringify(pattern)}.`);
    return found;
  }

  #describe(path: string): InputFile {
    const file = this.#files.get(path);
    if (file === undefined) throw notFound(path, `There is no file ${JSON.stringify(path)}.`);
    return { path, sizeBytes: file.bytes.length, mtimeMs: file.mtimeMs };
  }

  #verified(file: InputFile): MemoryFile {
    const found = this.#files.get(file.path);
    if (found === undefined) throw notFound(file.path, `There is no file ${JSON.stringify(file.path)}.`);
    if (found.bytes.length === file.sizeBytes && found.mtimeMs === file.mtimeMs) return found;
    throw new BicoastalError(
      "INPUT_CHANGED",
      `${JSON.stringify(file.path)} has changed since the job was submitted. Submit the job again.`,
      { details: { file: file.path } },
    );
  }
}

/** Decompresses with the platform's web stream, fed as it is read; member by member, as newer ones take only one. */
class MemoryGzipStream implements InputStream {
  readonly #path: string;
  readonly #bytes: Uint8Array;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #fed = 0;
  #closed = false;

  constructor(path: string, bytes: Uint8Array) {
    this.#path = path;
    this.#bytes = bytes;
    this.#chunks = this.#plain();
  }

  get bytesConsumed(): number {
    return this.#fed;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#closed) return undefined;
    try {
      const { done, value } = await this.#chunks.next();
      return done === true ? undefined : value;
    } catch (thrown) {
      throw new BicoastalError(
        "INPUT_CORRUPT",
        `${JSON.stringify(this.#path)} is not a whole gzip file, at or before compressed byte ${this.#fed}.`,
        { details: { file: this.#path, byteOffset: this.#fed }, cause: thrown },
      );
    }
  }

  close(): void {
    this.#closed = true;
  }

  async *#plain(): AsyncGenerator<Uint8Array> {
    let start = 0;
    do {
      const end = await memberEnd(this.#bytes, start);
      const { readable, writable } = new DecompressionStream("gzip");
      const written = this.#feed(writable.getWriter(), end);
      // The reader below meets the same failure; without a handler here it would count as unhandled meanwhile.
      written.catch(() => {});
      for await (const chunk of readable) yield chunk as Uint8Array;
      await written;
      start = end;
    } while (start < this.#bytes.length && !this.#closed);
  }

  async #feed(
    writer: { write(chunk: Uint8Array): Promise<void>; close(): Promise<void> },
    end: number,
  ): Promise<void> {
    const feedBytes = 4096;
    while (this.#fed < end && !this.#closed) {
      const chunk = this.#bytes.subarray(this.#fed, Math.min(this.#fed + feedBytes, end));
      await writer.write(chunk);
      this.#fed += chunk.length;
    }
    await writer.close();
  }
}

const MEMBER_MAGIC = Uint8Array.of(0x1f, 0x8b, 0x08);

/** Where the member ends that starts there: before the next one's magic, if what lies between is whole. */
async function memberEnd(bytes: Uint8Array, start: number): Promise<number> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = start; ; ) {
    at = view.indexOf(MEMBER_MAGIC, at + 1);
    if (at < 0) return bytes.length;
    if (await isWholeMember(bytes.slice(start, at))) return at;
  }
}

async function isWholeMember(bytes: Uint8Array): Promise<boolean> {
  try {
    const plain = new Blob([bytes as Uint8Array<ArrayBuffer>])
      .stream()
      .pipeThrough(new DecompressionStream("gzip"));
    for await (const _ of plain);
    return true;
  } catch {
    return false;
  }
}

function notFound(path: string, what: string): BicoastalError {
  return new BicoastalError("INPUT_NOT_FOUND", what, { details: { file: path } });
}

/** Resolves `.`, `..` and doubled slashes. */
function absolute(pattern: string): string {
  const parts: string[] = [];
  for (const part of (pattern.startsWith("/") ? pattern : ROOT + pattern).split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The shape of an absolute pattern. A name with a leading dot is matched by no wildcard. */
function globShape(pattern: string): RegExp {
  const shapes = pattern
    .slice(1)
    .split("/")
    .map((part) => (part === "**" ? "(?:/(?!\\.)[^/]+)*" : `/${partShape(part)}`));
  return new RegExp(`^${shapes.join("")}$`);
}

/** Braces do not reach over a slash. */
function partShape(part: string): string {
  const wild = part.startsWith("*") || part.startsWith("?") ? "(?!\\.)" : "";
  const source = part.replace(/[*?{},.+^$()|[\]\\]/g, (token) => WILDCARDS.get(token) ?? `\\${token}`);
  return wild + source;
}
