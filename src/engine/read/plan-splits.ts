import { BicoastalError } from "../../base/errors.ts";
import type { SourceFormat } from "../../plan/node.ts";
import type { InputFile, SourceSplit } from "../../plan/task.ts";
import type { Inputs } from "../../ports/inputs.ts";
import { quoteByte } from "./csv.ts";
import { recordBorders } from "./csv-borders.ts";
import { verifyOptions } from "./csv-columns.ts";
import { itemCount } from "./items.ts";
import { isGzip } from "./source-file.ts";

/**
 * Parts of a source of items, and the fewest and the most that files are cut into while the size of a part lies
 * between its limits below. The fewest, so that many cores get shares of a small input, too; the most, so that of a
 * large one no single task holds up the end. Numbers of their own, as a plan that hung on the cores at hand would
 * give other partitions, and so other bytes, on another machine.
 */
const ITEM_SPLITS = 64;
const SPLITS_FEWEST = 24;
const SPLITS_MOST = 64;
/** Below this, starting a task costs more than it does. */
const SPLIT_BYTES_MIN = 1024 * 1024;
/**
 * A size that is worth having at the price of fewer splits, down to the fewest. What combines its records before a
 * shuffle finds each key more often in a larger split, and sends it once.
 */
const SPLIT_BYTES_GOOD = 32 * 1024 * 1024;
/** Above this, a failed task loses too much work. */
const SPLIT_BYTES_MAX = 64 * 1024 * 1024;
/**
 * Up to so many files of a `files` source, each has a task of its own: what a function does with a whole file may be
 * as long as it likes. Above, and for files of records, consecutive small files share a task.
 */
const FILES_APART_MAX = 4096;
/** What gzip leaves of text, as a bound on how much a small file may hold. */
const GZIP_RATIO = 8;
/** Files that share a task, at most: empty ones have no bytes that would limit them. */
const FILES_TOGETHER_MAX = 1024;
/** The driver keeps all tasks of a job in memory and in its log. */
const SPLITS_MAX = 100_000;

/**
 * The parts of a source that tasks read, in order: together every record once. They hang on the input and the
 * source's options alone. No input records is fine: there may be no splits at all.
 *
 * Throws what `Inputs.list` throws, and JOB_INVALID for options that cannot work.
 * @param breathe Called every few dozen megabytes of a long look at CSV files; throws to call it off.
 */
export async function planSplits(
  source: SourceFormat,
  inputs: Inputs,
  breathe: () => Promise<void> = async () => {},
): Promise<readonly SourceSplit[]> {
  if (source.format === "range" || source.format === "of") {
    return evenParts(itemCount(source), source.partitions ?? ITEM_SPLITS).map(([start, end]) => ({
      kind: "items",
      start,
      end,
    }));
  }
  const quote = quoteOf(source);
  const files = await inputs.list(source.paths);
  const splitBytes = source.splitBytes ?? defaultSplitBytes(files);
  const splits: SourceSplit[] = [];
  for (const file of files) {
    // An empty file is a record of `files`, and no record of the others; an empty .gz is damaged, and a task says so.
    if (source.format === "files" || isGzip(file)) splits.push(wholeFile(file));
    else if (file.sizeBytes > 0) splits.push(...(await splitFile(file, splitBytes, quote, inputs, breathe)));
  }
  const apart = source.format === "files" && files.length <= FILES_APART_MAX;
  const shared = apart ? splits : shareTasks(splits, splitBytes);
  if (shared.length > SPLITS_MAX) throw tooManySplits(splitBytes);
  return shared;
}

function quoteOf(source: SourceFormat): number | undefined {
  if (source.format !== "csv") return undefined;
  verifyOptions(source.csv);
  return quoteByte(source.csv);
}

function defaultSplitBytes(files: readonly InputFile[]): number {
  const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const good = Math.min(Math.ceil(totalBytes / SPLITS_FEWEST), SPLIT_BYTES_GOOD);
  const wanted = Math.max(good, Math.ceil(totalBytes / SPLITS_MOST), SPLIT_BYTES_MIN);
  return Math.min(wanted, SPLIT_BYTES_MAX);
}

async function splitFile(
  file: InputFile,
  splitBytes: number,
  quote: number | undefined,
  inputs: Inputs,
  breathe: () => Promise<void>,
): Promise<readonly SourceSplit[]> {
  const parts = Math.ceil(file.sizeBytes / splitBytes);
  if (parts > SPLITS_MAX) throw tooManySplits(splitBytes);
  const targets = evenParts(file.sizeBytes, parts).map(([start]) => start);
  let starts: readonly number[] = targets;
  if (quote !== undefined && targets.length > 1) {
    const reader = await inputs.open(file);
    try {
      starts = [0, ...(await recordBorders(reader, targets.slice(1), quote, breathe))];
    } finally {
      reader.close();
    }
  }
  return starts.map((start, index) => ({
    kind: "bytes",
    file,
    start,
    end: starts[index + 1] ?? file.sizeBytes,
  }));
}

function wholeFile(file: InputFile): SourceSplit {
  return { kind: "bytes", file, start: 0, end: file.sizeBytes };
}

/** [start, end) of parts of [0, total) that differ by at most one; at most one part an item, none of nothing. */
function evenParts(total: number, wanted: number): readonly (readonly [number, number])[] {
  const parts = Math.min(total, wanted);
  // Not `total * index / parts`: the product is not exact for large totals.
  const size = Math.floor(total / Math.max(parts, 1));
  const larger = total - size * parts;
  const borderOf = (index: number) => size * index + Math.min(index, larger);
  return Array.from({ length: parts }, (_, index) => [borderOf(index), borderOf(index + 1)] as const);
}

/** Puts whole small files that follow one another together, up to the size of a split. */
function shareTasks(splits: readonly SourceSplit[], splitBytes: number): readonly SourceSplit[] {
  const shared: SourceSplit[] = [];
  let together: InputFile[] = [];
  let bytes = 0;
  const flush = () => {
    const [first] = together;
    if (together.length > 1) shared.push({ kind: "files", files: together });
    else if (first !== undefined) shared.push(wholeFile(first));
    together = [];
    bytes = 0;
  };
  for (const split of splits) {
    if (split.kind !== "bytes" || split.start > 0 || split.end < split.file.sizeBytes) {
      flush();
      shared.push(split);
      continue;
    }
    const fileBytes = split.file.sizeBytes * (isGzip(split.file) ? GZIP_RATIO : 1);
    if (bytes + fileBytes > splitBytes || together.length === FILES_TOGETHER_MAX) flush();
    together.push(split.file);
    bytes += fileBytes;
  }
  flush();
  return shared;
}

function tooManySplits(splitBytes: number): BicoastalError {
  return new BicoastalError(
    "JOB_INVALID",
    `The input makes more than ${SPLITS_MAX} tasks with splits of ${splitBytes} bytes. ` +
      "Raise or leave out splitBytes, or read fewer files at a time.",
    { details: { splitBytes, splitsMax: SPLITS_MAX } },
  );
}
