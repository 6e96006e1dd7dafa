/**
 * Which tasks failed where, and which nodes are to be set aside for it.
 *
 * Owns: how many failures count as tries of a task, where it is better not tried again, and the faults of nodes. A fault of
 * a node is a task that failed there and that another node has completed since. It is nobody's fault what fails
 * everywhere: a function that throws, a service that is away.
 *
 * Remembers only tasks that failed and nodes that have faults, so that a job in which nothing fails pays nothing.
 */
import type { NodeId, TaskId } from "../base/ids.ts";
import type { WorkerState, WorkerTable } from "./worker-table.ts";

/** Faults, of different tasks, after which a node is set aside, if it has done no more right than wrong since the first. */
export const FAULTS_MIN = 3;
/** How long a node is set aside. */
export const SET_ASIDE_MS = 300_000;
/** What happened earlier counts half again and again, so that a node is judged by its last so many tasks. */
const JUDGED_TASKS = 16;
/** A node that others fail beside is not the cause. */
const FAILED_LATELY_MS = 60_000;
/** A task waits so long for a node on which it did not fail, before it takes any. */
export const AVOID_MS_MAX = 30_000;
/** Of one task, whether they count as tries or not, before the job fails rather than go round for ever. */
const FAILURES_PER_TASK_MAX = 20;
/** More partitions than any stage has. */
const STAGE_STRIDE = 2 ** 32;

interface FailedTask {
  /** A node for each time. */
  failed: NodeId[];
  /** Nodes that could not reach its input. */
  readonly cutOff: Set<NodeId>;
  /** Failures that count. */
  tries: number;
  failures: number;
  /** When it became ready to be tried again. */
  readyMs: number;
}

const keyOf = ({ stage, partition }: TaskId): number => stage * STAGE_STRIDE + partition;

export class NodeHealth {
  readonly #workers: WorkerTable;
  readonly #tasks = new Map<number, FailedTask>();
  /** Since the first fault. */
  readonly #records = new Map<NodeId, { faults: number; rights: number }>();

  constructor(workers: WorkerTable) {
    this.#workers = workers;
  }

  #of(task: TaskId): FailedTask {
    const key = keyOf(task);
    let found = this.#tasks.get(key);
    if (found === undefined) {
      found = { failed: [], cutOff: new Set(), tries: 0, failures: 0, readyMs: 0 };
      this.#tasks.set(key, found);
    }
    return found;
  }

  /**
   * Takes in that the task failed there. Returns how many tries it has used up: where it fails on one node again and
   * again, and there is one that has not tried, that is one try.
   */
  fail(task: TaskId, node: NodeId, nowMs: number): { readonly tries: number; readonly failures: number } {
    const found = this.#of(task);
    const again = found.failed.includes(node) && this.#othersCould(found, node);
    found.failures++;
    if (!again || found.failures >= FAILURES_PER_TASK_MAX) found.tries++;
    found.failed.push(node);
    const worker = this.#workers.get(node);
    if (worker !== undefined) worker.failedMs = nowMs;
    return { tries: found.tries, failures: found.failures };
  }

  triesOf(task: TaskId): number {
    return this.#tasks.get(keyOf(task))?.tries ?? 0;
  }

  /** Takes in that the task could not reach its input from there. */
  cutOff(task: TaskId, node: NodeId): void {
    this.#of(task).cutOff.add(node);
  }

  /** The task waits for a worker from now on. */
  ready(task: TaskId, nowMs: number): boolean {
    const found = this.#tasks.get(keyOf(task));
    if (found !== undefined) found.readyMs = nowMs;
    return found !== undefined;
  }

  /** Whether the task should rather be left to another node. */
  avoids(task: TaskId, node: NodeId, nowMs: number): boolean {
    const found = this.#tasks.get(keyOf(task));
    if (found === undefined || nowMs - found.readyMs >= AVOID_MS_MAX) return false;
    return (found.failed.includes(node) || found.cutOff.has(node)) && this.#othersCould(found, node);
  }

  #othersCould({ failed, cutOff }: FailedTask, node: NodeId): boolean {
    for (const { id, aside, restsUntilMs, room } of this.#workers.each()) {
      // One that drains or rests takes nothing.
      if (restsUntilMs !== undefined || aside || room === 0) continue;
      if (id !== node && !failed.includes(id) && !cutOff.has(id)) return true;
    }
    return false;
  }

  /** Takes in that the task is complete. Returns nodes that are to be set aside now, by name. */
  complete(task: TaskId, by: NodeId): readonly WorkerState[] {
    if (this.#tasks.size === 0 && this.#records.size === 0) return [];
    const record = this.#records.get(by);
    if (record !== undefined) count(record, "rights");
    const key = keyOf(task);
    const found = this.#tasks.get(key);
    if (found === undefined) return [];
    this.#tasks.delete(key);
    const sick: WorkerState[] = [];
    for (const node of [...new Set(found.failed)].sort()) {
      const worker = this.#workers.get(node);
      if (node !== by && worker !== undefined && this.#isSick(worker)) sick.push(worker);
    }
    return sick;
  }

  /** Counts a fault. */
  #isSick(worker: WorkerState): boolean {
    let record = this.#records.get(worker.id);
    if (record === undefined) {
      record = { faults: 0, rights: 0 };
      this.#records.set(worker.id, record);
    }
    count(record, "faults");
    return (
      !worker.aside && record.faults >= FAULTS_MIN && record.faults > record.rights && this.#isAlone(worker)
    );
  }

  /** Whether no more than half of the other nodes had failures at the time of its last. */
  #isAlone({ id, failedMs }: WorkerState): boolean {
    let others = 0;
    let failing = 0;
    for (const other of this.#workers.each()) {
      if (other.id === id || other.aside) continue;
      others++;
      if (Math.abs(other.failedMs - failedMs) < FAILED_LATELY_MS) failing++;
    }
    return 2 * failing <= others;
  }

  /** What failed there is not the tasks' fault any more. */
  pardonTasks(node: NodeId): void {
    for (const found of this.#tasks.values()) {
      if (!found.failed.includes(node)) continue;
      found.failed = found.failed.filter((other) => other !== node);
      found.tries = Math.min(found.tries, found.failed.length);
    }
  }

  /** The node has a new start, or is gone. */
  forget(node: NodeId): void {
    this.#records.delete(node);
  }

  clear(): void {
    this.#tasks.clear();
    this.#records.clear();
  }
}

function count(record: { faults: number; rights: number }, what: "faults" | "rights"): void {
  record[what]++;
  if (record.faults + record.rights <= JUDGED_TASKS) return;
  record.faults /= 2;
  record.rights /= 2;
}
