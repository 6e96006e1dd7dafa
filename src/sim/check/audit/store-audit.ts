/**
 * Looks at everything the store commits, as it commits it, and at what workers do by it: the invariants of every job at every
 * revision, from the store's own bytes.
 */
import type { JobId } from "../../../base/ids.ts";
import type { JobState } from "../../../core/job-state.ts";
import type { Change } from "../../../ports/control-store.ts";
import type { TaskExecutor } from "../../../ports/task-runner.ts";
import type { JobSpec } from "../../../protocol/job-spec.ts";
import type { MemoryStoreBackend, StoreSnapshot } from "../../ports/memory-control-store-backend.ts";
import { type AuditedRevision, JobAudit } from "./job-audit.ts";

/** A state that no record has changed is looked at each so many times that it is shown. */
const UNCHANGED_SHOWN = 16;

export class StoreAudit {
  readonly #backend: MemoryStoreBackend;
  #jobs: ReadonlyMap<JobId, JobAudit>;
  /** By job: all that the store has changed of it, ascending. */
  readonly #changed: ReadonlyMap<JobId, AuditedRevision[]>;
  /** What was wrong before the store was set back. */
  readonly #formerProblems: string[] = [];
  /** The first revision that was not looked at. */
  #next: number;

  constructor(backend: MemoryStoreBackend, specs: readonly JobSpec[]) {
    this.#backend = backend;
    this.#jobs = new Map(specs.map((spec) => [spec.id, new JobAudit(spec)]));
    this.#changed = new Map(specs.map(({ id }) => [id, []]));
    this.#next = backend.history().firstRevision;
    backend.onChange(() => this.#look());
  }

  /** Empty where all was well. */
  get problems(): readonly string[] {
    return [...this.#formerProblems, ...[...this.#jobs.values()].flatMap(({ problems }) => problems)];
  }

  /** The store is in this state again, having told of all that came since. */
  restored({ revision }: StoreSnapshot): void {
    this.#formerProblems.push(...[...this.#jobs.values()].flatMap(({ problems }) => problems));
    this.#next = revision + 1;
    for (const changed of this.#changed.values())
      while ((changed.at(-1)?.revision ?? 0) > revision) changed.pop();
    this.#jobs = new Map([...this.#jobs].map(([id, job]) => [id, job.restored(this.#changed.get(id) ?? [])]));
  }

  /** Whether an attempt became effective that an earlier driver had given out. */
  get countsAdopted(): boolean {
    return [...this.#jobs.values()].some((job) => job.countsAdopted);
  }

  /** The same executor; what it is given is held against the log. */
  watching(executor: TaskExecutor): TaskExecutor {
    return {
      execute: (request, control) => {
        this.#look();
        this.#jobs.get(request.job.job)?.onAttempt(request.assignment);
        return executor.execute(request, control);
      },
    };
  }

  /** What is to be called after each step of a driver. */
  inspecting(driver: string): (state: JobState) => void {
    const seen = new WeakMap<JobState, { nextSeq: number; times: number }>();
    return (state) => {
      const before = seen.get(state) ?? { nextSeq: -1, times: 0 };
      seen.set(state, before);
      const isNew = before.nextSeq !== state.nextSeq;
      before.nextSeq = state.nextSeq;
      if (!isNew && ++before.times % UNCHANGED_SHOWN !== 0) return;
      this.#look();
      this.#jobs.get(state.spec.id)?.onState(state, driver);
    };
  }

  /** To be called before a node deletes what this job stored there. */
  onSweep(job: JobId, by: string): void {
    this.#look();
    this.#jobs.get(job)?.onSweep(by);
  }

  #look(): void {
    for (const { revision, changes } of this.#backend.history().commitsFrom(this.#next)) {
      this.#next = revision + 1;
      for (const [id, job] of this.#jobs) {
        const own = changes.filter((change) => isOf(id, change));
        if (own.length === 0) continue;
        this.#changed.get(id)?.push({ revision, changes: own });
        job.onRevision(revision, own);
      }
    }
  }
}

function isOf(job: JobId, change: Change): boolean {
  const key = change.kind === "put" ? change.entry.key : change.key;
  return key.startsWith(`jobs/${job}/`) || key === `cards/${job}` || key === `open/${job}`;
}
