/** Names of processes are shorter; one that is not shifts its line. */
const WHO_WIDTH = 12;

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

  /** @param who The process that does it; "" for what nobody in particular does. */
  say(who: string, what: string): void {
    const line = `${who}\t${what}`;
    let hash = (this.#hash ^ Math.round(this.#nowMs() * 1_000)) | 0;
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 0x01000193);
    this.#hash = hash;
    const time = (this.#nowMs() / 1_000).toFixed(3).padStart(8);
    this.#print?.(`${time} s  ${who.padEnd(WHO_WIDTH)} ${what}`);
  }

  fault(kind: string, what: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    this.say("", `    ! ${kind} ${what}`);
  }

  met(situation: string): void {
    this.sometimes.add(situation);
  }
}
