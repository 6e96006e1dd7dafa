/**
 * Loads a built file of our own, with what V8 compiled of it when it last ran: to compile it anew takes a good part of
 * the time that a small job takes.
 *
 * Node from 22.1 on keeps compiled code by itself. Before, it is kept here: a file holds what V8 gives, behind a
 * checksum, as V8 takes on trust whatever it is given. For the same reason the directory must be this user's alone.
 * Which source, Node and machine it is of stands in the file's name; V8 itself refuses what another V8 compiled, or one
 * with other flags. `NODE_COMPILE_CACHE` names another directory, `NODE_DISABLE_COMPILE_CACHE` forbids all of it, and
 * where the directory cannot be used nothing is kept: none of that is worth a word.
 */
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import nodeModule from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Script } from "node:vm";
import { threadId } from "node:worker_threads";
import { crc32 } from "node:zlib";

export interface LoadedCode {
  /** What the file, a CommonJS module, exports. */
  readonly exports: unknown;
  /** Keeps what is compiled by now; undefined where that is kept already, or cannot be. Never throws. */
  readonly keep: (() => void) | undefined;
}

/**
 * @param file Absolute. It imports nothing dynamically: compiled here it cannot.
 * @param use What of the file is about to run, in letters: each use has its own functions compiled.
 */
export function loadCode(file: string, use: string): LoadedCode {
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown };
  const require = nodeModule.createRequire(file);
  if (enableCompileCache !== undefined) {
    enableCompileCache();
    return { exports: require(file), keep: undefined };
  }
  const source = readFileSync(file, "utf8");
  const kept = keptFile(file, source, use);
  const cachedData = kept === undefined ? undefined : readKept(kept);
  const script = new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, file, dirname(file));
  const known = cachedData !== undefined && script.cachedDataRejected !== true;
  if (known || kept === undefined) return { exports: module.exports, keep: undefined };
  return { exports: module.exports, keep: () => writeKept(kept, script.createCachedData()) };
}

function keptFile(file: string, source: string, use: string): string | undefined {
  const directory = ownDirectory();
  if (directory === undefined || !/^[a-z]{1,20}$/.test(use)) return undefined;
  const { version, arch } = process;
  return join(directory, `${basename(file)}-${use}-${version}-${arch}-${crc32(source).toString(16)}`);
}

/** Undefined where it is forbidden, or others could write there. */
function ownDirectory(): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE: disabled, NODE_COMPILE_CACHE: named } = process.env;
  if (disabled !== undefined) return undefined;
  const user = process.getuid?.();
  const directory = named || join(tmpdir(), `bicoastal-compile-cache${user === undefined ? "" : `-${user}`}`);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stat = lstatSync(directory);
    if (!stat.isDirectory()) return undefined;
    return user === undefined || (stat.uid === user && (stat.mode & 0o022) === 0) ? directory : undefined;
  } catch {
    return undefined;
  }
}

const CHECKSUM_BYTES = 4;

function readKept(path: string): Buffer | undefined {
  try {
    const bytes = readFileSync(path);
    const data = bytes.subarray(CHECKSUM_BYTES);
    return bytes.length > CHECKSUM_BYTES && bytes.readUInt32LE(0) === crc32(data) ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Appears whole or not at all. */
function writeKept(path: string, data: Buffer): void {
  const draft = `${path}.${process.pid}-${threadId}.tmp`;
  try {
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum.writeUInt32LE(crc32(data));
    writeFileSync(draft, Buffer.concat([checksum, data]), { mode: 0o600 });
    renameSync(draft, path);
  } catch {
    rmSync(draft, { force: true });
  }
}
