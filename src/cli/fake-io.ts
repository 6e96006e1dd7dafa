/** A process for tests: streams that remember, a clock that moves by hand, signals on demand. */
import type { CliIo, Look, Output, StopSignal } from "./io.ts";

export class FakeOutput implements Output {
  text = "";
  isTerminal = false;
  columns: number | undefined;
  closed = false;
  failure: Error | undefined;
  colours = false;

  write(text: string): Promise<void> {
    if (!this.closed) this.text += text;
    return Promise.resolve();
  }

  style(look: Look, text: string): string {
    return this.colours ? `<${look}>${text}</${look}>` : text;
  }
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class FakeClock {
  nowMs = 0;
  #timers: Timer[] = [];

  get timers(): number {
    return this.#timers.length;
  }

  monotonicMs(): number {
    return this.nowMs;
  }

  wallMs(): number {
    return Date.UTC(2026, 2, 1, 12) + this.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, and calls back whatever falls due, in order. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.nowMs = due.atMs;
      due.callback();
    }
    this.nowMs = endMs;
  }
}

export class FakeIo implements CliIo {
  readonly stdout = new FakeOutput();
  readonly stderr = new FakeOutput();
  readonly clock = new FakeClock();
  env: Record<string, string | undefined> = {};
  cwd = "/project";
  /** Codes given to `exit`, which does not end anything here. */
  readonly exits: number[] = [];
  readonly signalListeners = new Set<(signal: StopSignal) => void>();
  readonly exitListeners = new Set<() => void>();

  onSignal(callback: (signal: StopSignal) => void): () => void {
    this.signalListeners.add(callback);
    return () => void this.signalListeners.delete(callback);
  }

  onParentGone(): void {}

  onExit(callback: () => void): () => void {
    this.exitListeners.add(callback);
    return () => void this.exitListeners.delete(callback);
  }

  writeErrSync(text: string): void {
    this.stderr.text += text;
  }

  exit(code: number): void {
    this.exits.push(code);
    for (const listener of this.exitListeners) listener();
  }

  signal(signal: StopSignal): void {
    for (const listener of [...this.signalListeners]) listener(signal);
  }

  /** As a terminal of this width. */
  terminal(columns: number): this {
    for (const output of [this.stdout, this.stderr]) {
      output.isTerminal = true;
      output.columns = columns;
    }
    return this;
  }
}
