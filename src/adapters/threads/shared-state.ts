import type { ExecutionPhase, TaskProgress } from "../../ports/task-runner.ts";

const STOP = 0;
const PHASE = 1;
const COLLECT = 2;
const BEGUN = 3;
const FLAGS = 4;
const FLAGS_BYTES = FLAGS * Int32Array.BYTES_PER_ELEMENT;
const ROWS = 0;
const BYTES = 1;
const MEMORY = 2;
const COUNTERS = 3;
const SHARED_BYTES = FLAGS_BYTES + COUNTERS * Float64Array.BYTES_PER_ELEMENT;
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
    this.#flags = new Int32Array(buffer, 0, FLAGS);
    this.#counters = new Float64Array(buffer, FLAGS_BYTES, COUNTERS);
  }

  /** By the thread, before each task. False where tasks are called back that it has not begun: this one, too. */
  begin(seq: number): boolean {
    const before = Atomics.load(this.#flags, BEGUN);
    if (before < 0 || Atomics.compareExchange(this.#flags, BEGUN, before, seq) !== before) return false;
    Atomics.store(this.#flags, PHASE, 0);
    this.#counters.fill(0, ROWS, BYTES + 1);
    return true;
  }

  /** By the other side: from now on the thread begins none. Gives the task that it began last, 0 for none. */
  callBack(): number {
    for (;;) {
      const begun = Atomics.load(this.#flags, BEGUN);
      if (begun < 0) return ~begun;
      if (Atomics.compareExchange(this.#flags, BEGUN, begun, ~begun) === begun) return begun;
    }
  }

  /** The thread has heard of it, and may begin what it is sent from now on. */
  endCallBack(): void {
    Atomics.store(this.#flags, BEGUN, ~Atomics.load(this.#flags, BEGUN));
  }

  /** The task that the thread began last; 0 before the first. */
  begun(): number {
    const begun = Atomics.load(this.#flags, BEGUN);
    return begun < 0 ? ~begun : begun;
  }

  requestStop(seq: number): void {
    Atomics.store(this.#flags, STOP, seq);
  }

  stopRequested(seq: number): boolean {
    return Atomics.load(this.#flags, STOP) === seq;
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

  /** Asks the thread to collect its garbage and to say what is left, as soon as it can. */
  askToCollect(): void {
    Atomics.store(this.#flags, COLLECT, 1);
  }

  /** Whether it was asked to and has not done so. */
  collectAsked(): boolean {
    return Atomics.load(this.#flags, COLLECT) === 1;
  }

  /** @param memoryBytes What the thread holds now. */
  setCollected(memoryBytes: number): void {
    this.#counters[MEMORY] = memoryBytes;
    Atomics.store(this.#flags, COLLECT, 0);
  }

  /** What the thread held when it last collected its garbage. */
  collectedBytes(): number {
    return this.#counters[MEMORY] ?? 0;
  }
}
