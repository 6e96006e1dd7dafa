import { assert } from "../base/assert.ts";
import { type AttemptId, attemptHandle, compareAttempts, type NodeId, type TaskId } from "../base/ids.ts";
import type { TaskAssignment } from "../plan/task.ts";
import type { WorkerPoll } from "../protocol/message.ts";

/** An attempt this driver assigned and has not settled. */
export interface LiveAttempt {
  readonly id: AttemptId;
  readonly worker: NodeId;
  readonly assignment: TaskAssignment;
  /** When it was assigned. */
  readonly sinceMs: number;
  /** It finished, and its task's completion is on the way to the log: its own, or its rival's that finished before. */
  recording: boolean;
  /** The other attempt of the same task, while there is one. */
  rival: LiveAttempt | undefined;
  /** It has had a rival that this driver gave it. */
  backedUp: boolean;
  /** An earlier driver assigned it: this one cannot order it again, and does not know when it began. */
  readonly adopted: boolean;
}

export interface NewAttempt {
  readonly assignment: TaskAssignment;
  /** The attempt of the same task that is under way already. */
  readonly rival: LiveAttempt | undefined;
  readonly adopted: boolean;
}

export interface WorkerState {
  readonly id: NodeId;
  readonly incarnation: string;
  /** Where it stands; "" where nobody says. */
  readonly region: string;
  seq: number;
  /** Tasks that it runs at a time. */
  slots: number;
  /** Tasks that may be there at a time, those that wait for a slot included. */
  room: number;
  lastSeenMs: number;
  /** This driver's attempts there that have not ended. */
  readonly running: Set<LiveAttempt>;
  /** Attempts it still runs that this driver no longer wants. */
  unwanted: number;
  /** It is given nothing until a poll that comes after this: something is wrong there that is not wrong elsewhere. */
  restsUntilMs: number | undefined;
  /** Rests since it last did something well. */
  rests: number;
  /** It gets nothing new: too much failed there. */
  aside: boolean;
  /** Whether it would take tasks if it had room for them; as it was looked at last. */
  takes: boolean;
  /** Since when it has room, and there were only tasks that others are nearer to. */
  heldSinceMs: number | undefined;
  /** When a task failed there last; never: minus infinity. */
  failedMs: number;
}

/** So that the order in which attempts began decides nothing. */
export const byAttempt = (a: LiveAttempt, b: LiveAttempt): number => compareAttempts(a.id, b.id);

/** The workers that speak to this driver, and what each was given. */
export class WorkerTable {
  readonly #workers = new Map<NodeId, WorkerState>();
  readonly #live = new Map<number | string, LiveAttempt>();
  readonly #hungry = new Set<WorkerState>();
  #version = 0;

  get(id: NodeId): WorkerState | undefined {
    return this.#workers.get(id);
  }
  /** In the order of their ids, so that the order of joining decides nothing. */
  all(): readonly WorkerState[] {
    return [...this.#workers.values()].sort(byId);
  }
  /** In no order. */
  each(): Iterable<WorkerState> {
    return this.#workers.values();
  }
  /** Those that have room and were last left with some, in the order of their ids: few while there is enough to do. */
  hungry(): readonly WorkerState[] {
    return this.#hungry.size <= 1 ? [...this.#hungry] : [...this.#hungry].sort(byId);
  }
  get hungryCount(): number {
    return this.#hungry.size;
  }
  /** Whether another worker than this one would take a task. */
  hasOtherAwake(worker: WorkerState): boolean {
    for (const other of this.#workers.values()) {
      const { restsUntilMs, room, aside } = other;
      if (other !== worker && restsUntilMs === undefined && room > 0 && !aside) return true;
    }
    return false;
  }
  /** To be called whenever a worker's room may have changed. */
  noteRoom(worker: WorkerState): void {
    const takes = worker.room > 0 && !worker.aside && worker.restsUntilMs === undefined;
    if (worker.takes !== takes) this.#version++;
    worker.takes = takes;
    if (this.freeRoom(worker) > 0) this.#hungry.add(worker);
    else this.#hungry.delete(worker);
  }
  /** Another one whenever a worker came or went, or began or ceased to take tasks. */
  get version(): number {
    return this.#version;
  }
  get workerCount(): number {
    return this.#workers.size;
  }
  get liveCount(): number {
    return this.#live.size;
  }

  join(id: NodeId, { incarnation, region = "" }: WorkerPoll, nowMs: number): WorkerState {
    assert(!this.#workers.has(id), "a worker that comes back was removed first");
    const worker: WorkerState = {
      id,
      incarnation,
      region,
      seq: -1,
      slots: 0,
      room: 0,
      lastSeenMs: nowMs,
      running: new Set(),
      unwanted: 0,
      restsUntilMs: undefined,
      rests: 0,
      aside: false,
      takes: false,
      heldSinceMs: undefined,
      failedMs: Number.NEGATIVE_INFINITY,
    };
    this.#workers.set(id, worker);
    return worker;
  }
  /** Forgets the worker; returns its attempts that had not ended, in order. */
  remove(worker: WorkerState): readonly LiveAttempt[] {
    const lost = [...worker.running].sort(byAttempt);
    for (const { id } of lost) this.settle(id);
    this.#workers.delete(worker.id);
    this.#hungry.delete(worker);
    this.#version++;
    return lost;
  }

  freeRoom(worker: WorkerState): number {
    const { aside, restsUntilMs, room, running, unwanted } = worker;
    return aside || restsUntilMs !== undefined ? 0 : room - running.size - unwanted;
  }
  /** Whether another task would begin at once there, and not wait for a slot. */
  hasFreeSlot({ slots, running, unwanted }: WorkerState): boolean {
    return running.size + unwanted < slots;
  }
  assign(worker: WorkerState, { assignment, rival, adopted }: NewAttempt, nowMs: number): void {
    const key = attemptHandle(assignment.attempt);
    assert(!this.#live.has(key), "an attempt is assigned once");
    const live: LiveAttempt = {
      id: assignment.attempt,
      worker: worker.id,
      assignment,
      sinceMs: nowMs,
      recording: false,
      rival,
      backedUp: false,
      adopted,
    };
    if (rival !== undefined) {
      assert(rival.rival === undefined, "a task has two attempts under way at the most");
      rival.rival = live;
      if (!adopted) rival.backedUp = true;
    }
    this.#live.set(key, live);
    worker.running.add(live);
  }
  /** Every attempt that is not settled, in no order. */
  liveAttempts(): Iterable<LiveAttempt> {
    return this.#live.values();
  }
  live(attempt: AttemptId): LiveAttempt | undefined {
    return this.#live.get(attemptHandle(attempt));
  }
  /** An attempt of the task, by a look at all there are. */
  liveOf({ stage, partition }: TaskId): LiveAttempt | undefined {
    for (const live of this.#live.values()) {
      if (live.id.stage === stage && live.id.partition === partition) return live;
    }
    return undefined;
  }
  /** The attempt ended at its worker; it stays live until the log has it. */
  startRecording(live: LiveAttempt): void {
    live.recording = true;
    this.#workers.get(live.worker)?.running.delete(live);
  }
  /** The attempt is no longer this driver's. It keeps its rival, which has none from now on. */
  settle(attempt: AttemptId): LiveAttempt {
    const key = attemptHandle(attempt);
    const live = this.#live.get(key);
    assert(live !== undefined, "what is settled was live");
    this.#live.delete(key);
    this.#workers.get(live.worker)?.running.delete(live);
    if (live.rival !== undefined) live.rival.rival = undefined;
    return live;
  }
  /** For tests and the simulator: how many tasks have attempts, of which rivals have one together. */
  checkRivals(): number {
    let tasks = 0;
    for (const live of this.#live.values()) {
      const { rival, id } = live;
      if (rival === undefined) {
        tasks++;
        continue;
      }
      const apart = rival.worker !== live.worker || rival.recording || live.recording;
      const mutual = rival.rival === live && this.live(rival.id) === rival && apart;
      assert(mutual && rival.id.stage === id.stage && rival.id.partition === id.partition, "rivals are two");
      tasks += 0.5;
    }
    return tasks;
  }
  /** Lets go of every attempt. */
  settleAll(): void {
    for (const worker of this.#workers.values()) {
      worker.unwanted += worker.running.size;
      worker.running.clear();
    }
    this.#live.clear();
  }
  clear(): void {
    this.#workers.clear();
    this.#hungry.clear();
    this.#live.clear();
  }
}

const byId = (a: WorkerState, b: WorkerState): number => (a.id < b.id ? -1 : 1);
