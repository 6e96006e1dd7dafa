/**
 * The end of a job: the rows to collect are read, then every `write` end becomes visible.
 *
 * Reading comes first: a result that cannot be read must still be able to send its task round again, and after the
 * commit that is too late. Everything here may run again after a crash, with the same outcome.
 */
import { assert } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import type { StageId } from "../base/ids.ts";
import type { Completed } from "../core/job-state.ts";
import type { BlockRef, OutputFile } from "../plan/task.ts";
import type { CommittedFile, Outputs, OutputTarget } from "../ports/outputs.ts";
import type { EndShape, JobSpec } from "../protocol/job-spec.ts";

/** Rows of one sink of these blocks, in order, some at a time. Throws BLOB_MISSING or BLOB_CORRUPT with `details.key`. */
export type ReadRows = (blocks: readonly BlockRef[], sink: number) => AsyncIterable<readonly unknown[]>;

export type EndResult =
  | { readonly kind: "rows"; readonly name: string; readonly rows: readonly unknown[] }
  | { readonly kind: "value"; readonly name: string; readonly value: unknown }
  | {
      readonly kind: "written";
      readonly name: string;
      readonly directory: string;
      readonly files: number;
      readonly bytes: number;
      readonly rows: number;
    };

/** Outputs of a complete job, by stage and partition. */
export class CompleteOutputs {
  readonly #byStage = new Map<StageId, Completed[]>();

  constructor(outputs: Iterable<Completed>) {
    for (const completed of outputs) {
      const list = this.#byStage.get(completed.attempt.stage) ?? [];
      list[completed.attempt.partition] = completed;
      this.#byStage.set(completed.attempt.stage, list);
    }
  }

  ofStage(stage: StageId): readonly Completed[] {
    return this.#byStage.get(stage) ?? [];
  }
}

/** Reads the rows of every `collect` end and says what every `write` end holds. Changes nothing. */
export async function readResults(
  spec: JobSpec,
  outputs: CompleteOutputs,
  readRows: ReadRows,
): Promise<readonly EndResult[]> {
  const results: EndResult[] = [];
  for (const [endIndex, shape] of spec.ends.entries()) {
    results.push(
      shape.end.kind === "write"
        ? written(shape, endIndex, shape.end.directory, outputs)
        : await collected(shape, shape.end, outputs, readRows),
    );
  }
  return results;
}

async function collected(
  shape: EndShape,
  end: { readonly rowsMax: number; readonly single: boolean },
  outputs: CompleteOutputs,
  readRows: ReadRows,
): Promise<EndResult> {
  const rows: unknown[] = [];
  for (const { stage, sink } of shape.producers) {
    const blocks = outputs.ofStage(stage).flatMap(({ output }) => output.block ?? []);
    for await (const some of readRows(blocks, sink)) {
      if (rows.length + some.length > end.rowsMax) throw tooLarge(shape.name, end.rowsMax);
      for (const row of some) rows.push(row);
    }
  }
  if (!end.single) return { kind: "rows", name: shape.name, rows };
  assert(rows.length === 1, "an end of one value has one row");
  return { kind: "value", name: shape.name, value: rows[0] };
}

function tooLarge(name: string, rowsMax: number): BicoastalError {
  const message = `Result "${name}" has more than ${rowsMax} rows. Write it with .write(), or lift the bound with .collect({ limit }).`;
  return new BicoastalError("COLLECT_TOO_LARGE", message, { details: { end: name, limit: rowsMax } });
}

function filesOf(shape: EndShape, endIndex: number, outputs: CompleteOutputs): readonly OutputFile[] {
  return shape.producers.flatMap(({ stage, sink }) =>
    outputs
      .ofStage(stage)
      .flatMap(({ output }) =>
        output.files.filter((file) => file.endIndex === endIndex && file.sink === sink),
      ),
  );
}

function written(shape: EndShape, endIndex: number, directory: string, outputs: CompleteOutputs): EndResult {
  const files = filesOf(shape, endIndex, outputs);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  return { kind: "written", name: shape.name, directory, files: files.length, bytes, rows };
}

/** Makes every `write` end visible, one directory after another. */
export async function commitWrites(spec: JobSpec, outputs: CompleteOutputs, port: Outputs): Promise<void> {
  for (const target of outputTargets(spec)) {
    const shape = spec.ends[target.endIndex]!;
    await port.commit(target, filesOf(shape, target.endIndex, outputs).map(committedFile));
  }
}

const PART_DIGITS = 5;

function committedFile(file: OutputFile, index: number): CommittedFile {
  const { staged, bytes } = file;
  const extension = /\.(?:jsonl|csv|txt)(?:\.gz)?$/.exec(staged)?.[0];
  assert(extension !== undefined, "a staged file's name says its format");
  return { staged, name: `part-${String(index).padStart(PART_DIGITS, "0")}${extension}`, bytes };
}

/** The directories a job writes, in the order of its ends. */
export function outputTargets(spec: JobSpec): readonly OutputTarget[] {
  return spec.ends.flatMap(({ end }, endIndex) =>
    end.kind === "write"
      ? [{ job: spec.id, endIndex, directory: end.directory, overwrite: end.overwrite }]
      : [],
  );
}
