// Medians and ratios.

/** @typedef {import("./rounds.mjs").WayResult} WayResult */
/** @typedef {{ median: number, min: number, max: number }} Spread */

/** @param {readonly number[]} list At least one. @returns {Spread} */
export function spreadOf(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** @param {WayResult} way @returns {Spread | undefined} */
export const secondsOf = (way) =>
  way.runs.length === 0 ? undefined : spreadOf(way.runs.map((run) => run.seconds));

/**
 * How many times as long as `base` a way takes: round by round, as runs of one round lie close together.
 * @param {WayResult} way @param {WayResult} base
 * @returns {Spread | undefined} Undefined where they have no round in common.
 */
export function ratioOf(way, base) {
  const ratios = way.runs.flatMap((run) => {
    const other = base.runs.find(({ round }) => round === run.round);
    return other === undefined ? [] : [run.seconds / other.seconds];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}

/** @param {WayResult} way @param {"cpuSeconds" | "peakMb"} figure @returns {number | undefined} The median. */
export function medianOf(way, figure) {
  const list = way.runs.flatMap((run) => run[figure] ?? []);
  return list.length === 0 ? undefined : spreadOf(list).median;
}

/** As many digits as such figures have, two or three. @param {number} value */
export function digits(value) {
  if (value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  return value >= 0.095 || value === 0 ? value.toFixed(2) : value.toPrecision(2);
}
