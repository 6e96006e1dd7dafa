/**
 * Keeps the threads within what they may use together. What the engine holds is counted, and spilled in time; this is
 * for what nobody counts: garbage that V8 has not collected yet, and the job's own functions.
 *
 * V8's limit for the heap of a thread would be simpler and is not enough: it does not count buffers, and where one
 * large piece is asked for beyond it, V8 ends the process instead of the thread. So that limit is set far away, and
 * the process's resident memory is looked at instead. Above the limit every thread is asked to collect its garbage and
 * to say what is left; a thread inside the user's function cannot. Above the ceiling the one thread is ended that holds
 * more than its part, so that its task fails with an error that says so.
 *
 * Pure: it is told what was measured, and says what to do.
 */
/** Collecting costs a thread tenths of a second where its heap is large. */
const COLLECT_INTERVAL_MS = 500;
/** From being asked to collect to being taken for one that cannot. */
const ANSWER_MS = 100;
/** The ceiling above the limit: estimates err, and what `malloc` was given back it may keep for a while. */
const CEILING_PART = 1.25;
const CEILING_BYTES = 48 * 2 ** 20;

export interface ThreadMemory {
  readonly busy: boolean;
  /** Whether it was asked to collect and has not done so. */
  readonly asked: boolean;
  /** What it held when it last had; 0 for a thread that never has. */
  readonly collectedBytes: number;
  /** What all used together when it told that, or was started; less, where they used less since. */
  readonly sinceBytes: number;
}

export interface MemoryVerdict {
  /** Whether the threads are to be asked to collect. */
  readonly collect: boolean;
  /** The thread to end, and what it is thought to hold. */
  readonly end: { readonly thread: number; readonly bytes: number } | undefined;
}

const CALM: MemoryVerdict = { collect: false, end: undefined };

export class MemoryWatch {
  readonly #limitBytes: number;
  /** Since the threads were last within the limit. */
  #asked = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #endedAtMs = Number.NEGATIVE_INFINITY;

  /** @param limitBytes What all threads may use together. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** @param usedBytes What all threads use together. */
  look(nowMs: number, usedBytes: number, threads: readonly ThreadMemory[]): MemoryVerdict {
    if (usedBytes <= this.#limitBytes) {
      this.#asked = false;
      return CALM;
    }
    const sinceAskedMs = nowMs - this.#askedAtMs;
    const answered = threads.every(({ busy, asked }) => !(busy && asked));
    // What they said is of use while it is new; who is silent can be taken for it as long as it is.
    const judge =
      this.#asked && sinceAskedMs >= ANSWER_MS && (sinceAskedMs < COLLECT_INTERVAL_MS || !answered);
    const victim = judge ? this.#victim(nowMs, usedBytes, threads) : undefined;
    if (victim !== undefined) {
      this.#endedAtMs = nowMs;
      return { collect: false, end: victim };
    }
    const collect = sinceAskedMs >= COLLECT_INTERVAL_MS;
    if (collect) {
      this.#asked = true;
      this.#askedAtMs = nowMs;
    }
    return { collect, end: undefined };
  }

  #victim(nowMs: number, usedBytes: number, threads: readonly ThreadMemory[]): MemoryVerdict["end"] {
    if (usedBytes <= this.#limitBytes * CEILING_PART + CEILING_BYTES) return undefined;
    // What was ended is not gone at once.
    if (nowMs - this.#endedAtMs < COLLECT_INTERVAL_MS) return undefined;
    const silent = threads.filter(({ busy, asked }) => busy && asked).length;
    const known = threads.reduce((sum, { asked, collectedBytes }) => sum + (asked ? 0 : collectedBytes), 0);
    const silentBytes = silent === 0 ? 0 : (usedBytes - known) / silent;
    let end: MemoryVerdict["end"];
    for (const [thread, { busy, asked, collectedBytes, sinceBytes }] of threads.entries()) {
      // Some of what is used is nobody's: what `malloc` keeps of threads that are gone. A thread is answerable for growth.
      const grownBytes = collectedBytes + usedBytes - sinceBytes;
      const bytes = asked ? Math.min(silentBytes, grownBytes) : collectedBytes;
      if (busy && bytes > (end?.bytes ?? this.#limitBytes / threads.length)) end = { thread, bytes };
    }
    return end;
  }
}
