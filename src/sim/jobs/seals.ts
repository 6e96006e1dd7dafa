/**
 * Records that tell whether they are whole (S13): simulated jobs handle only such, and each of their functions looks at what it
 * is given before it does anything with it.
 *
 * A number is whole if it is a multiple of one prime: so are sums of such, and what a damaged byte makes of one is not, but
 * once in `SEAL` times. A text carries a hash of what stands before it.
 */

/** A prime that is larger than what any change of two bytes comes to. */
const SEAL = 65_521;
const MARK = "~";
/** What is told of one job. */
const BROKEN_MAX = 10;

export const sealNumber = (value: number): number => value * SEAL;

export const sealText = (text: string): string => `${text}${MARK}${hashOf(text)}`;

/** Looks at seals for the functions of one job, and remembers which were broken. */
export class Seals {
  /** What reached a function and was not what any function had given away. */
  readonly broken: string[] = [];

  /** The same number. */
  number(value: number): number {
    if (!Number.isSafeInteger(value) || value % SEAL !== 0) this.#tell(value);
    return value;
  }

  /** The same text. */
  text(text: string): string {
    const at = typeof text === "string" ? text.lastIndexOf(MARK) : -1;
    if (at < 0 || text.slice(at + 1) !== hashOf(text.slice(0, at))) this.#tell(text);
    return text;
  }

  #tell(what: unknown): void {
    if (this.broken.length === BROKEN_MAX) return;
    const shown = `${JSON.stringify(what)}`.slice(0, 100);
    this.broken.push(`S13: corrupt bytes reached a user function, which was given ${shown}`);
  }
}

function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
