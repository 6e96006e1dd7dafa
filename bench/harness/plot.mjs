// The plot: a panel for each workload, in it a bar for each way, as long as its time is a multiple of Bicoastal's, on a
// scale of logarithms that is the same in all panels, with a line at 1. It follows the reader's light or dark mode.
import { digits, ratioOf } from "./figures.mjs";

/** @typedef {import("./report.mjs").WorkloadResult} WorkloadResult */

const panelWidth = 460;
const labelWidth = 190;
const figureWidth = 60;
const barsWidth = panelWidth - labelWidth - figureWidth;
const rowHeight = 16;
const titleHeight = 26;
const gap = 22;
const margin = 12;

const style = `
  text { font: 11px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 12px }
  .label { text-anchor: end }
  .peer { fill: #9aa4b2 } .ours { fill: #0b6bcb } .limit { fill: #c9a227 }
  .one { stroke: #57606a; stroke-dasharray: 2 3 } .range { stroke: #24292f; opacity: .55 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .peer { fill: #6e7681 } .ours { fill: #4ea1ff } .limit { fill: #d4b44a }
    .one { stroke: #8b949e } .range { stroke: #e6edf3 }
  }`;

/** @param {string} text */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** @param {string} way */
const classOf = (way) => (way.startsWith("bicoastal") ? "ours" : way === "limit" ? "limit" : "peer");

/** @param {WorkloadResult} workload */
const barsOf = ({ results }) => {
  const base = results[0];
  return results.flatMap((way) => {
    const ratio = base === undefined ? undefined : ratioOf(way, base);
    return ratio === undefined ? [] : [{ way, ratio }];
  });
};

/**
 * @param {WorkloadResult} workload @param {number} left @param {number} top @param {(times: number) => number} x
 * @returns {string}
 */
function panel(workload, left, top, x) {
  const bars = barsOf(workload);
  const from = left + labelWidth;
  const rows = bars.map(({ way, ratio }, i) => {
    const y = top + titleHeight + i * rowHeight;
    const middle = y + rowHeight / 2;
    const width = Math.max(2, x(ratio.median));
    const range =
      ratio.min < ratio.max
        ? `<path class="range" d="M${(from + x(ratio.min)).toFixed(1)} ${middle}H${(from + x(ratio.max)).toFixed(1)}"/>`
        : "";
    return [
      `<text class="label" x="${from - 6}" y="${middle + 4}">${escaped(way.title)}</text>`,
      `<rect class="${classOf(way.name)}" x="${from}" y="${y + 2}" width="${width.toFixed(1)}" height="${rowHeight - 4}" rx="2"/>`,
      range,
      `<text x="${(from + x(ratio.max) + 5).toFixed(1)}" y="${middle + 4}">${digits(ratio.median)}×</text>`,
    ].join("");
  });
  const bottom = top + titleHeight + bars.length * rowHeight;
  const one = (from + x(1)).toFixed(1);
  return [
    `<text class="title" x="${left}" y="${top + 16}">${escaped(workload.title)}</text>`,
    ...rows,
    `<path class="one" d="M${one} ${top + titleHeight}V${bottom}"/>`,
  ].join("\n");
}

/** @param {readonly WorkloadResult[]} workloads @returns {string} SVG. */
export function plot(workloads) {
  const shown = workloads.filter((workload) => barsOf(workload).length > 1);
  const ratios = shown.flatMap((workload) => barsOf(workload).flatMap(({ ratio }) => [ratio.min, ratio.max]));
  const least = Math.min(0.5, ...ratios) / 1.5;
  const most = Math.max(2, ...ratios);
  const x = (/** @type {number} */ times) => (Math.log(times / least) / Math.log(most / least)) * barsWidth;
  const bottoms = [margin, margin];
  const panels = shown.map((workload) => {
    const column = (bottoms[1] ?? 0) < (bottoms[0] ?? 0) ? 1 : 0;
    const top = bottoms[column] ?? 0;
    bottoms[column] = top + titleHeight + barsOf(workload).length * rowHeight + gap;
    return panel(workload, margin + column * (panelWidth + gap), top, x);
  });
  const width = 2 * panelWidth + gap + 2 * margin;
  const height = Math.max(...bottoms);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    "<title>Time of each way as a multiple of Bicoastal's first way; shorter is faster</title>",
    `<style>${style}</style>`,
    ...panels,
    "</svg>",
    "",
  ].join("\n");
}
