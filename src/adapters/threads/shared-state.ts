import type { ExecutionPhase, TaskProgress } from "../../ports/task-runner.ts";

const STOP = 0;
const PHASE = 1;
const FLAGS_BYTES = 8;
const ROWS = 0;
const BYTES = 1;
const SHARED_BYTES = FLAGS_BYTES + 2 * Float64Array.BYTES_PER_ELEMENT;
const PHASES: readonly (ExecutionPhase | undefined)[] = [undefined, "loading", "running"];

/**
 * A few numbers that a thread and its runner share: neither has to answer a message for the other to know, so a
 * thread in a loop of the user's can still be watched and asked to stop. The counters are written without fences:
 * the worst is a figure that is a moment old.
 */
export class SharedState {
  readonly buffer: SharedArrayBuffer;
  readonly #flags: Int32Array;
  readonly #counters: Float64Array;

  constructor(buffer = new SharedArrayBuffer(SHARED_BYTES)) {
    this.buffer = buffer;
    this.#flags = new Int32Array(buffer, 0, 2);
    this.#counters = new Float64Array(buffer, FLAGS_BYTES, 2);
  }

  /** Before each task, while the thread is idle. */
  reset(): void {
    Atomics.store(this.#flags, STOP, 0);
    Atomics.store(this.#flags, PHASE, 0);
    this.#counters.fill(0);
  }

  requestStop(): void {
    Atomics.store(this.#flags, STOP, 1);
  }

  stopRequested(): boolean {
    return Atomics.load(this.#flags, STOP) === 1;
  }

  enter(phase: ExecutionPhase): void {
    Atomics.store(this.#flags, PHASE, PHASES.indexOf(phase));
  }

  /** undefined: the thread has not begun with the task. */
  phase(): ExecutionPhase | undefined {
    return PHASES[Atomics.load(this.#flags, PHASE)];
  }

  setProgress(rowsIn: number, bytesIn: number): void {
    this.#counters[ROWS] = rowsIn;
    this.#counters[BYTES] = bytesIn;
  }

  progress(): TaskProgress {
    return { rowsIn: this.#counters[ROWS] ?? 0, bytesIn: this.#counters[BYTES] ?? 0 };
  }
}
