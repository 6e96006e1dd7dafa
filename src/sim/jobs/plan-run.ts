/**
 * Runs a whole plan in one place, one task after the other: what the engine makes of a plan, without a driver. The
 * sequential reference for everything that runs tasks elsewhere, or again, or at the same time.
 */
import { contentHash, epoch, jobId } from "../../base/ids.ts";
import type { EngineEnvironment, TaskControl } from "../../engine/environment.ts";
import { readCollected } from "../../engine/shuffle/read-collected.ts";
import { runTask } from "../../engine/stage/run-task.ts";
import { cutStages } from "../../plan/cut-stages.ts";
import type { JoinWays } from "../../plan/join-ways.ts";
import type { Plan } from "../../plan/node.ts";
import { sizeStages } from "../../plan/shape.ts";
import type { Producer, Stage, StagePlan } from "../../plan/stage.ts";
import type { JobContext, ProducerBlocks, SourceSplit, TaskAssignment, TaskOutput } from "../../plan/task.ts";
import type { Crc32, Gzip, ValueCodec } from "../../ports/codec.ts";
import type { Lz4 } from "../../ports/lz4.ts";
import { createMemoryBlobs } from "../ports/memory-blobs.ts";
import { MemoryInputs } from "../ports/memory-inputs.ts";
import { MemoryOutputs } from "../ports/memory-outputs.ts";
import { createMemoryScratch, type MemoryScratch } from "../ports/memory-scratch.ts";

const JOB = jobId("job-1");

export interface PlanRunOptions {
  readonly plan: Plan;
  /** For each source of the plan, in order of first use: the splits of its tasks. */
  readonly splits: readonly (readonly SourceSplit[])[];
  readonly codec: ValueCodec;
  readonly crc32: Crc32;
  readonly gzip: Gzip;
  readonly lz4?: Lz4 | undefined;
  readonly compressBlocks?: boolean | undefined;
  /** Of each task; default 64 MiB. */
  readonly memoryBytes?: number;
  readonly inputs?: MemoryInputs;
  readonly control?: Partial<TaskControl>;
  /** Default: all shuffle. */
  readonly joins?: JoinWays;
  readonly seed?: string;
  readonly attempt?: number;
}

export interface PlanRun {
  /** Rows of each `collect`, in the order of the partitions, by the end's name. */
  readonly collected: Readonly<Record<string, readonly unknown[]>>;
  readonly outputs: MemoryOutputs;
  /** What each task of each stage gave. */
  readonly tasks: readonly (readonly TaskOutput[])[];
  /** The scratch of each task, in the order of their runs. */
  readonly scratches: readonly MemoryScratch[];
}

export async function runPlan(options: PlanRunOptions): Promise<PlanRun> {
  const { joins } = options;
  const stages = cutStages(options.plan, joins);
  const sizes = sizeStages(
    stages,
    options.splits.map((splits) => ({ splits: splits.length, bytesMax: Number.POSITIVE_INFINITY })),
  );
  const outputs = new MemoryOutputs();
  const scratches: MemoryScratch[] = [];
  const { codec, crc32, gzip, lz4, compressBlocks, inputs = new MemoryInputs() } = options;
  const shared = { inputs, blobs: createMemoryBlobs(), outputs, codec, crc32, gzip, lz4, compressBlocks };
  const tasks: TaskOutput[][] = [];
  for (const stage of stages.stages) {
    const { tasks: count, sinkPartitions } = sizes[stage.id]!;
    const done: TaskOutput[] = [];
    tasks.push(done);
    for (let partition = 0; partition < count; partition++) {
      const scratch = createMemoryScratch();
      scratches.push(scratch);
      const attempt = { stage: stage.id, partition, epoch: epoch(1), attempt: options.attempt ?? 0 };
      const input = inputOf(stage, partition, tasks, options.splits);
      const broadcasts = stage.broadcasts.map(({ producers }) => blocksOf(producers, tasks));
      const assignment: TaskAssignment = { attempt, partitions: count, sinkPartitions, input, broadcasts };
      done.push(await runOne(stages, assignment, { ...shared, scratch }, options));
    }
  }
  const collected = await finish(options.plan, stages, tasks, shared);
  return { collected, outputs, tasks, scratches };
}

async function runOne(
  stages: StagePlan,
  assignment: TaskAssignment,
  env: EngineEnvironment,
  { plan, seed = "seed", control, memoryBytes = 64 << 20 }: PlanRunOptions,
): Promise<TaskOutput> {
  const constants = { seed, submittedAtMs: 1_000_000, bundle: contentHash("00") };
  const outputDirectories = plan.ends.map(({ end }) => (end.kind === "write" ? end.directory : ""));
  const job: JobContext = {
    job: JOB,
    name: "job",
    params: {},
    constants,
    fingerprint: "",
    joins: [],
    outputDirectories,
  };
  const watched: TaskControl = {
    stopRequested: () => false,
    signal: new AbortController().signal,
    progress: () => {},
    log: () => {},
    breathe: undefined,
    ...control,
  };
  return runTask({ stages, assignment, job, env, control: watched, memoryBytes });
}

function inputOf(
  { input }: Stage,
  partition: number,
  tasks: readonly (readonly TaskOutput[])[],
  splits: PlanRunOptions["splits"],
): TaskAssignment["input"] {
  if (input.kind === "source") return { kind: "split", split: splits[input.sourceIndex]![partition]! };
  return { kind: "blocks", sides: input.sides.map((producers) => blocksOf(producers, tasks)) };
}

function blocksOf(
  producers: readonly Producer[],
  tasks: readonly (readonly TaskOutput[])[],
): readonly ProducerBlocks[] {
  return producers.map(({ stage, sink }) => ({
    stage,
    sink,
    blocks: tasks[stage]!.flatMap(({ block }) => block ?? []),
  }));
}

async function finish(
  plan: Plan,
  stages: StagePlan,
  tasks: readonly (readonly TaskOutput[])[],
  env: Omit<EngineEnvironment, "scratch">,
): Promise<Record<string, readonly unknown[]>> {
  const collected: Record<string, readonly unknown[]> = {};
  for (const [endIndex, { name, end }] of plan.ends.entries()) {
    const producers = stages.endProducers[endIndex]!;
    if (end.kind === "write") {
      const { directory, overwrite } = end;
      const all = producers.flatMap(({ stage, sink }) =>
        tasks[stage]!.flatMap((task) =>
          task.files.filter((file) => file.endIndex === endIndex && file.sink === sink),
        ),
      );
      const files = all.map(({ staged, bytes }, index) => ({
        staged,
        name: `part-${String(index).padStart(5, "0")}`,
        bytes,
      }));
      await env.outputs.commit({ job: JOB, endIndex, directory, overwrite }, files);
      continue;
    }
    const rows: unknown[] = [];
    for (const { stage, sink } of producers) {
      const refs = tasks[stage]!.flatMap(({ block }) => (block === undefined ? [] : [block]));
      for await (const some of readCollected(refs, sink, env)) rows.push(...some);
    }
    collected[name] = rows;
  }
  return collected;
}
