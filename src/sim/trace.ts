import type { RunEvent } from "../runtime/events.ts";

/** What happened, as a hash that two runs of one seed share, as counts of faults, and as lines for people where asked. */
export class Trace {
  #hash = 0x811c9dc5;
  readonly faults = new Map<string, number>();
  /** Situations that a good set of seeds meets at least once. */
  readonly sometimes = new Set<string>();
  readonly #nowMs: () => number;
  readonly #print: ((line: string) => void) | undefined;

  constructor(nowMs: () => number, print: ((line: string) => void) | undefined) {
    this.#nowMs = nowMs;
    this.#print = print;
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  say(what: string): void {
    const line = `${this.#nowMs().toFixed(0).padStart(8)} ms  ${what}`;
    for (let i = 0; i < line.length; i++) this.#hash = Math.imul(this.#hash ^ line.charCodeAt(i), 0x01000193);
    this.#print?.(line);
  }

  fault(kind: string, what: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.say(`! ${kind}: ${what}`);
  }

  met(situation: string): void {
    this.sometimes.add(situation);
  }
}

/** Notes what is worth meeting of what drivers tell. */
export function meet(trace: Trace, event: RunEvent): void {
  if (event.kind !== "backupWon" && event.kind !== "nodeSetAside") return;
  trace.say(`${event.kind}: ${event.node}`);
  trace.met(event.kind);
}
