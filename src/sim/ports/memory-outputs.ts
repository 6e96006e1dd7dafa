import { assert } from "../../base/assert.ts";
import { BicoastalError, type ErrorCode } from "../../base/errors.ts";
import type { CommittedFile, Outputs, OutputTarget, OutputWriter } from "../../ports/outputs.ts";

interface MemoryDirectory {
  readonly files: Map<string, Uint8Array>;
  /** Who wrote it; undefined: somebody else. */
  readonly writtenBy: string | undefined;
  /** Names at the commit, to tell files that were added since. */
  readonly committed: ReadonlySet<string>;
}

/** Output directories in memory. */
export class MemoryOutputs implements Outputs {
  /** Visible directories by path. */
  readonly directories = new Map<string, MemoryDirectory>();
  /** Staged files by target and name. */
  readonly #staged = new Map<string, Map<string, Uint8Array>>();

  /** Makes a directory, or adds to one, as somebody else would. */
  makeForeign(path: string, files: Readonly<Record<string, Uint8Array>>): void {
    const before = this.directories.get(path);
    const all = new Map([...(before?.files ?? []), ...Object.entries(files)]);
    const { writtenBy, committed } = before ?? { writtenBy: undefined, committed: new Set<string>() };
    this.directories.set(path, { files: all, writtenBy, committed });
  }

  /** Keys of targets that have staged files. */
  get staging(): readonly string[] {
    return [...this.#staged.keys()];
  }

  async check(target: OutputTarget): Promise<void> {
    this.#refuseExisting(target);
  }

  create(target: OutputTarget, staged: string): OutputWriter {
    const key = keyOf(target);
    const pieces: Uint8Array[] = [];
    let open = true;
    let bytes = 0;
    return {
      get bytes() {
        return bytes;
      },
      append(piece) {
        assert(open, "a closed output file is not written to");
        pieces.push(new Uint8Array(piece));
        bytes += piece.length;
      },
      close: async () => {
        assert(open, "an output file is closed once");
        open = false;
        if (this.#isCommitted(target)) return staged;
        const files = this.#staged.get(key) ?? new Map<string, Uint8Array>();
        this.#staged.set(key, files.set(staged, Buffer.concat(pieces)));
        return staged;
      },
      abort() {
        open = false;
      },
    };
  }

  async commit(target: OutputTarget, files: readonly CommittedFile[]): Promise<void> {
    const key = keyOf(target);
    if (!this.#isCommitted(target)) {
      const staged = this.#staged.get(key);
      const contents = files.map(({ staged: from, name, bytes }): [string, Uint8Array] => {
        const content = staged?.get(from);
        if (content?.length !== bytes) throw failure("OUTPUT_FAILED", target, `has lost the file ${from}.`);
        return [name, content];
      });
      this.#refuseExisting(target);
      const committed = new Set(files.map((file) => file.name));
      this.directories.set(target.directory, { files: new Map(contents), writtenBy: key, committed });
    }
    this.#staged.delete(key);
  }

  async discard(target: OutputTarget): Promise<void> {
    this.#staged.delete(keyOf(target));
  }

  #isCommitted(target: OutputTarget): boolean {
    return this.directories.get(target.directory)?.writtenBy === keyOf(target);
  }

  #refuseExisting(target: OutputTarget): void {
    const existing = this.directories.get(target.directory);
    if (existing === undefined) return;
    if (!target.overwrite) throw failure("OUTPUT_EXISTS", target, "exists.");
    const { files, committed } = existing;
    const foreign = [...files.keys()].find((name) => !committed.has(name));
    if (foreign !== undefined)
      throw failure("OUTPUT_EXISTS", target, `holds a file of somebody else's: ${foreign}.`);
  }
}

const keyOf = ({ job, endIndex }: OutputTarget): string => `${job}.${endIndex}`;

function failure(code: ErrorCode, { directory }: OutputTarget, what: string): BicoastalError {
  return new BicoastalError(code, `The output ${directory} ${what}`, { details: { path: directory } });
}
