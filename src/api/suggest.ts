const SUGGESTION_DISTANCE_MAX = 3;
/** Longer names are never a slip of the finger, and comparing them would cost. */
const NAME_CHARS_MAX = 64;

/**
 * The known name that a mistyped one probably means; undefined where none is near. Of equally near ones the
 * first.
 */
export function suggest(name: string, known: readonly string[]): string | undefined {
  if (name.length > NAME_CHARS_MAX) return undefined;
  const distanceMax = Math.min(SUGGESTION_DISTANCE_MAX, Math.floor(name.length / 2));
  let best: string | undefined;
  let bestDistance = distanceMax + 1;
  for (const candidate of known) {
    if (candidate.length > NAME_CHARS_MAX) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `Known: a, b.` with, where one is near, `Did you mean a?` before it. For the end of a message. */
export function adviseNames(name: string, known: readonly string[], what: string): string {
  if (known.length === 0) return `There are no ${what}.`;
  const near = suggest(name, known);
  const all = `The ${what} are ${known.join(", ")}.`;
  return near === undefined ? all : `Did you mean ${near}? ${all}`;
}

/** Insertions, deletions, substitutions, and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let twoAbove: readonly number[] = [];
  let above: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const best = Math.min(substitution, above[j]! + 1, row[j - 1]! + 1);
      row.push(swap ? Math.min(best, twoAbove[j - 2]! + 1) : best);
    }
    twoAbove = above;
    above = row;
  }
  return above[b.length]!;
}
