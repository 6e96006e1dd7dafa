/**
 * The spans of one drive of a job: the job's, and one for each of its stages while it has tasks that can run. Its context goes to
 * the workers with their orders, so that attempts stand below their stage, on whatever node they run.
 */
import type { NodeId, StageId } from "../../base/ids.ts";
import type { DriverNote } from "../../core/effect.ts";
import type { JobState } from "../../core/job-state.ts";
import type { JobContext } from "../../plan/task.ts";
import type { Span, Tracing } from "../../ports/tracing.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { HostEnd } from "../driver-host.ts";

export interface DriveTraceOptions {
  readonly tracing: Tracing;
  readonly spec: JobSpec;
  /** As replayed, this drive's epoch included. */
  readonly state: JobState;
  readonly context: JobContext;
  /** That drives. */
  readonly node: NodeId;
}

const SPAN_EVENTS = {
  attemptAdopted: "attempt adopted",
  backupStarted: "backup started",
  backupWon: "backup won",
} as const;

export class DriveTrace {
  readonly #options: DriveTraceOptions;
  readonly #job: Span;
  readonly #stages = new Map<StageId, Span>();
  /** Tasks that are not complete, by stage. */
  readonly #remaining: number[];
  #context: JobContext | undefined;

  constructor(options: DriveTraceOptions) {
    this.#options = options;
    const { tracing, spec, state, node } = options;
    this.#remaining = spec.stages.map(({ id }) => state.tasksRemaining(id));
    const tasks = spec.stages.reduce((sum, stage) => sum + stage.tasks, 0);
    this.#job = tracing.start(
      "bicoastal job",
      {
        "bicoastal.job": spec.id,
        "bicoastal.job.name": spec.name,
        "bicoastal.epoch": state.epoch,
        "bicoastal.node": node,
        "bicoastal.tasks": tasks,
      },
      spec.trace,
    );
    const tasksDone = tasks - this.#remaining.reduce((sum, each) => sum + each, 0);
    if (state.epoch > 1)
      this.#job.event("take-over", { "bicoastal.epoch": state.epoch, "bicoastal.tasks.done": tasksDone });
    this.#startReady();
  }

  /** The job's context, with the spans that attempts belong to. The same object until these are others. */
  get context(): JobContext {
    if (this.#context !== undefined) return this.#context;
    const { context, spec } = this.#options;
    const stages = spec.stages.map(({ id }) => this.#stages.get(id)?.context ?? this.#job.context);
    this.#context = { ...context, trace: stages };
    return this.#context;
  }

  onNote(note: DriverNote): void {
    switch (note.kind) {
      case "taskCompleted":
        return this.#onCompleted(note.completed.attempt.stage);
      case "outputLost": {
        const { stage, partition } = note.lost.attempt;
        this.#remaining[stage] = (this.#remaining[stage] ?? 0) + 1;
        this.#job.event("output lost", { "bicoastal.stage": stage, "bicoastal.partition": partition });
        if (!this.#stages.has(stage)) this.#start(stage, true);
        return;
      }
      case "attemptAdopted":
      case "backupStarted":
      case "backupWon": {
        const { stage, partition } = note.attempt;
        const name = SPAN_EVENTS[note.kind];
        const facts = { "bicoastal.partition": partition, "bicoastal.node": note.worker };
        return (this.#stages.get(stage) ?? this.#job).event(name, facts);
      }
      case "nodeSetAside":
        return this.#job.event("node set aside", { "bicoastal.node": note.worker });
      case "nodeBack":
        return this.#job.event("node back", { "bicoastal.node": note.worker });
      case "workerLost":
        return this.#job.event("worker lost", { "bicoastal.node": note.worker });
      case "taskFailed":
        // The attempt's own span tells it.
        return;
    }
  }

  /** @param end Undefined where it ended with an error of ours, or of the store. */
  end(end: HostEnd | undefined): void {
    for (const span of this.#stages.values()) span.end();
    this.#stages.clear();
    this.#job.set({ "bicoastal.outcome": end?.kind ?? "aborted" });
    this.#job.end(end?.kind === "failed" ? end.error : undefined);
  }

  #onCompleted(stage: StageId): void {
    const left = (this.#remaining[stage] ?? 0) - 1;
    this.#remaining[stage] = left;
    if (left > 0) return;
    this.#stages.get(stage)?.end();
    this.#stages.delete(stage);
    this.#context = undefined;
    this.#startReady();
  }

  /** Those whose input is complete. */
  #startReady(): void {
    for (const { id, dependsOn } of this.#options.spec.stages) {
      const isReady = dependsOn.every((earlier) => this.#remaining[earlier] === 0);
      if (isReady && (this.#remaining[id] ?? 0) > 0 && !this.#stages.has(id)) this.#start(id, false);
    }
  }

  #start(id: StageId, again: boolean): void {
    const { tracing, spec } = this.#options;
    const { label = "", tasks = 0 } = spec.stages[id] ?? {};
    const facts = { "bicoastal.job": spec.id, "bicoastal.stage": id, "bicoastal.stage.label": label };
    const span = tracing.start(
      "bicoastal stage",
      { ...facts, "bicoastal.tasks": tasks, ...(again ? { "bicoastal.stage.again": true } : {}) },
      this.#job.context,
    );
    this.#stages.set(id, span);
    this.#context = undefined;
  }
}
