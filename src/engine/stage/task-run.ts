import { assert } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import type { TaskContext } from "../../plan/context.ts";
import { labelFed, labelSource, labelWide } from "../../plan/label.ts";
import type { Stage, StagePlan } from "../../plan/stage.ts";
import type { JobContext, TaskAssignment, TaskOutput } from "../../plan/task.ts";
import type { Batch, BatchInput, RecordPlace } from "../batch.ts";
import type { EngineEnvironment, TaskControl } from "../environment.ts";
import { openSource } from "../read/open-source.ts";
import { openShuffle } from "../shuffle/open-shuffle.ts";
import { SINK_BYTES } from "../shuffle/sink-options.ts";
import { WriteSink } from "../write/write-sink.ts";
import { openBytePath } from "./byte-path.ts";
import type { BytePath } from "./byte-path-type.ts";
import { type CompiledPartitionMap, type CompiledStage, compileStage, type LoopState } from "./compile.ts";
import { type ContextOfTask, createContext } from "./context.ts";
import { excerptOf } from "./excerpt.ts";
import { explainFailure } from "./failure.ts";
import { lineWatcherOf, writesTexts } from "./line-sort.ts";
import { iterate } from "./loop-support.ts";
import { Spool } from "./spool.ts";
import { Stopped } from "./stopped.ts";
import { isBlockSink, TaskSinks } from "./task-sinks.ts";
import { TaskTables } from "./task-tables.ts";

/** Results of a mapPartitions taken between two looks at whether to stop. */
const RESULT_ROWS_AT_ONCE = 1024;

export interface RunTaskRequest {
  readonly stages: StagePlan;
  readonly assignment: TaskAssignment;
  readonly job: JobContext;
  /** The task's own; its scratch is disposed of when this resolves or rejects. */
  readonly env: EngineEnvironment;
  readonly control: TaskControl;
  /** For tables and buffers of this task, all together. */
  readonly memoryBytes: number;
}

/** What most tasks of a filter that keeps little leave behind. */
const NOTHING = Object.freeze({ block: undefined, files: Object.freeze([]) });

/** One attempt while it runs. */
export class TaskRun {
  readonly #stage: Stage;
  readonly #request: RunTaskRequest;
  readonly #compiled: CompiledStage;
  readonly #context: ContextOfTask;
  readonly #spools: readonly Spool[];
  readonly #sinks: TaskSinks;
  readonly #tables: TaskTables;
  readonly #state: LoopState;
  readonly #memoryBytes: number;
  #input: BatchInput | undefined;
  /** Where the stage has one: takes bytes, in place of the loop. */
  readonly #bytePath: BytePath | undefined;
  #rowsIn = 0;
  #committed = false;

  constructor(stage: Stage, request: RunTaskRequest) {
    const { assignment, job, env, control } = request;
    this.#stage = stage;
    this.#request = request;
    this.#compiled = compileStage(stage);
    this.#memoryBytes = shareOf(request.memoryBytes, stage, this.#compiled);
    this.#context = createContext(job.constants, assignment, control);
    this.#spools = this.#compiled.partitionMaps.map(() => this.#createSpool());
    this.#sinks = new TaskSinks({ job, stage, assignment, env, memoryBytes: this.#memoryBytes });
    this.#tables = new TaskTables(stage);
    this.#bytePath = openBytePath(stage, this.#sinks.all);
    const { partition } = assignment.attempt;
    this.#state = {
      ctx: this.#context.ctx,
      sinks: this.#sinks.all,
      sinkRows: stage.sinks.map(() => 0),
      samples: this.#compiled.samples.map(
        (node, index) =>
          new Prng(`sample/${job.constants.seed}/${node.seed}/${stage.id}/${index}/${partition}`),
      ),
      spools: this.#spools,
      tables: this.#tables.all,
      openIterators: [],
      failedSite: 0,
      failedRow: 0,
      failedRecord: undefined,
    };
  }

  /** Step by step, each in the turn of the one before unless that had to wait. */
  complete(): TaskOutput | Promise<TaskOutput> {
    return this.#stage.broadcasts.length === 0
      ? this.#readInput()
      : this.#openTables().then(() => this.#readInput());
  }

  #readInput(): TaskOutput | Promise<TaskOutput> {
    const opening = this.#openInput();
    return opening instanceof Promise
      ? opening.then((input) => this.#readAll(input))
      : this.#readAll(opening);
  }

  #readAll(input: BatchInput): TaskOutput | Promise<TaskOutput> {
    this.#input = input;
    const taking = this.#takeInput(input);
    return taking === undefined ? this.#afterInput(input) : taking.then(() => this.#afterInput(input));
  }

  #afterInput(input: BatchInput): TaskOutput | Promise<TaskOutput> {
    const { bytesIn } = input;
    // A shuffle's memory is free again before the sinks merge what they have spilled.
    this.#closeInput();
    return this.#spools.length === 0
      ? this.#commit(bytesIn)
      : this.#mapPartitions().then(() => this.#commit(bytesIn));
  }

  #commit(bytesIn: number): TaskOutput | Promise<TaskOutput> {
    this.#finishSinks();
    this.#throwIfStopped();
    return this.#sinks.isEmpty
      ? this.#end(NOTHING, bytesIn)
      : this.#sinks.commit().then((made) => this.#end(made, bytesIn));
  }

  #end({ block, files }: Pick<TaskOutput, "block" | "files">, bytesIn: number): TaskOutput {
    this.#committed = true;
    this.#context.finish();
    const { sinkRows } = this.#state;
    return { block, files, rowsIn: this.#rowsIn, bytesIn, sinkRows, counters: this.#context.counters() };
  }

  /** Call when it has ended, however it did. */
  close(): void {
    this.#closeInput();
    this.#bytePath?.close();
    for (const spool of this.#spools) spool.dispose();
    this.#tables.dispose();
    if (!this.#committed) this.#sinks.abort();
  }

  #closeInput(): void {
    this.#input?.close();
    this.#input = undefined;
  }

  /** All of what the stage's joins look up, before the first record. */
  async #openTables(): Promise<void> {
    const { assignment, env, control } = this.#request;
    const { breathe } = control;
    const checkpoint = () => this.#checkpoint();
    await this.#tables.open(assignment.broadcasts, {
      env,
      memoryBytes: this.#memoryBytes,
      checkpoint,
      breathe,
    });
  }

  #openInput(): BatchInput | Promise<BatchInput> {
    const { assignment, env, control } = this.#request;
    const from = this.#stage.input;
    const given = assignment.input;
    if (from.kind === "source") {
      assert(given.kind === "split", "a task of a source stage is given a split");
      const watcher = lineWatcherOf(this.#stage, this.#sinks.all);
      return openSource(from.source.source, given.split, env.inputs, { taker: this.#bytePath, watcher });
    }
    assert(given.kind === "blocks", "a task behind a shuffle is given blocks");
    const { partition } = assignment.attempt;
    const { partitions } = assignment;
    const request = {
      partition,
      partitions,
      sides: given.sides,
      env,
      memoryBytes: this.#memoryBytes,
      checkpoint: () => this.#checkpoint(),
      breathe: control.breathe,
      asText: writesTexts(this.#stage),
    };
    return this.#explaining(labelWide(from.shuffle), () => openShuffle({ ...request, node: from.shuffle }));
  }

  /** Gives a promise only where something has to be waited for: to wait for nothing costs more than a small task. */
  #takeInput(input: BatchInput): Promise<void> | undefined {
    for (;;) {
      const batch = this.#nextBatch(input);
      if (batch === undefined) return undefined;
      if (batch instanceof Promise) return this.#takeRest(batch, input);
      const pause = this.#takeBatch(batch, input);
      if (pause !== undefined)
        return this.#takeRest(
          pause.then(() => this.#nextBatch(input)),
          input,
        );
    }
  }

  async #takeRest(first: Promise<Batch | undefined>, input: BatchInput): Promise<void> {
    for (let batch = await first; batch !== undefined; ) {
      const pause = this.#takeBatch(batch, input);
      if (pause !== undefined) await pause;
      const next = this.#nextBatch(input);
      batch = next instanceof Promise ? await next : next;
    }
  }

  /** Gives what is to be waited for before the next one. */
  #takeBatch(batch: Batch, input: BatchInput): Promise<void> | undefined {
    const { control } = this.#request;
    if (batch.taken !== undefined) {
      this.#rowsIn += batch.taken;
      this.#state.sinkRows[0] = this.#bytePath?.sinkRows ?? 0;
    } else if (batch.text !== undefined) this.#writeText(batch.text, batch.count);
    else {
      try {
        this.#compiled.loop(batch.rows, batch.count, this.#state);
      } catch (error) {
        return this.#failRow(error, batch);
      }
      this.#rowsIn += batch.count;
    }
    control.progress(this.#rowsIn, input.bytesIn);
    this.#throwIfStopped();
    return control.breathe?.();
  }

  #nextBatch(input: BatchInput): Batch | undefined | Promise<Batch | undefined> {
    try {
      const next = input.next();
      return next instanceof Promise ? this.#explaining(this.#inputLabel, () => next) : next;
    } catch (error) {
      throw explainFailure(error, { label: this.#inputLabel, calls: "sink", late: true }, undefined);
    }
  }

  get #inputLabel(): string {
    const from = this.#stage.input;
    return from.kind === "shuffle" ? labelWide(from.shuffle) : labelSource(from.source);
  }

  #writeText(text: Uint8Array, rows: number): void {
    const sink = this.#sinks.all[0];
    assert(sink instanceof WriteSink, "texts come as bytes for a stage that only writes them");
    try {
      sink.texts(text, rows);
    } catch (error) {
      throw this.#explainSink(error, 0);
    }
    this.#rowsIn += rows;
    this.#state.sinkRows[0]! += rows;
  }

  async #mapPartitions(): Promise<void> {
    const { partitionMaps } = this.#compiled;
    for (let i = 0; i < partitionMaps.length; i++)
      await this.#mapPartition(partitionMaps[i]!, this.#spools[i]!);
  }

  /** Its function is called once, and its results go on while it still makes them. */
  async #mapPartition(map: CompiledPartitionMap, spool: Spool): Promise<void> {
    const { control } = this.#request;
    const state = this.#state;
    let results: Iterator<unknown> | undefined;
    state.failedSite = map.site;
    try {
      spool.seal();
      const fn = map.fn as (rows: Iterable<unknown>, ctx: TaskContext) => unknown;
      results = iterate(fn(spool, state.ctx));
      while (map.loop(results, RESULT_ROWS_AT_ONCE, state) === RESULT_ROWS_AT_ONCE) {
        this.#throwIfStopped();
        if (control.breathe !== undefined) await control.breathe();
      }
    } catch (error) {
      const site = this.#compiled.sites[state.failedSite]!;
      const record = state.failedSite === map.site ? spool.lastRead : state.failedRecord;
      const explained = explainFailure(
        error,
        site,
        record === undefined ? undefined : { excerpt: excerptOf(record) },
      );
      closeAll(results === undefined ? state.openIterators : [results, ...state.openIterators]);
      throw explained;
    }
    spool.dispose();
  }

  #finishSinks(): void {
    const sinks = this.#sinks.all;
    for (let index = 0; index < sinks.length; index++) {
      try {
        if (index === 0) this.#bytePath?.finish();
        sinks[index]!.finish();
      } catch (error) {
        throw this.#explainSink(error, index);
      }
    }
  }

  #explainSink(error: unknown, index: number): unknown {
    const sink = this.#stage.sinks[index]!;
    return explainFailure(error, { label: labelFed(sink), calls: "sink", late: true }, undefined);
  }

  /** For input: behind a shuffle, functions of the user's run while it is read. */
  async #explaining<T>(label: string, action: () => T | Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw explainFailure(error, { label, calls: "sink", late: true }, undefined);
    }
  }

  async #failRow(error: unknown, batch: Batch): Promise<never> {
    const { failedSite, failedRow, failedRecord, openIterators } = this.#state;
    closeAll(openIterators);
    const site = this.#compiled.sites[failedSite];
    assert(site !== undefined, "a loop that throws says where");
    let place: RecordPlace | undefined;
    try {
      place = await batch.place?.(failedRow);
    } catch {
      // What failed first is what the user must see; the input may be gone by now.
    }
    throw explainFailure(error, site, { excerpt: excerptOf(failedRecord), ...place });
  }

  #createSpool(): Spool {
    const { env } = this.#request;
    const { codec, crc32, scratch } = env;
    const beforeChunk = () => this.#throwIfStopped();
    return new Spool({ codec, crc32, scratch, memoryBytes: this.#memoryBytes, beforeChunk });
  }

  /** While an input takes in all there is before it gives its first batch, and while it skips and merges. */
  #checkpoint(): void {
    this.#throwIfStopped();
    this.#request.control.progress(this.#rowsIn, this.#input?.bytesIn ?? 0);
  }

  #throwIfStopped(): void {
    if (this.#request.control.stopRequested()) throw new Stopped();
  }
}

/**
 * What the shuffle read, each spool and each broadcast may hold: equal parts of what the sinks, which hold a fixed amount, leave; but
 * of half at least, so that many sinks do not make everything else crawl.
 */
function shareOf(memoryBytes: number, stage: Stage, compiled: CompiledStage): number {
  const left = memoryBytes - stage.sinks.filter(isBlockSink).length * SINK_BYTES;
  const holders =
    (stage.input.kind === "shuffle" ? 1 : 0) + compiled.partitionMaps.length + stage.broadcasts.length;
  return Math.floor(Math.max(left, memoryBytes / 2) / Math.max(1, holders));
}

/** What `for … of` does when its body throws: innermost first, and without hiding the first error. */
function closeAll(iterators: Iterator<unknown>[]): void {
  for (const iterator of iterators.splice(0).reverse()) {
    try {
      iterator.return?.();
    } catch {
      // As in for … of: the error that is under way wins.
    }
  }
}
