// Tables in Markdown, which a terminal shows as well.
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { digits, medianOf, ratioOf, secondsOf } from "./figures.mjs";
import { peers } from "./peers.mjs";

/** @typedef {import("./rounds.mjs").WayResult} WayResult */

/**
 * @typedef {object} WorkloadResult
 * @property {string} name
 * @property {string} title
 * @property {string} [size] Of the data, in words.
 * @property {WayResult[]} results Bicoastal's first way first.
 * @property {string[]} disagree
 */

/** Columns as wide as their widest cell. @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
export function table(head, rows) {
  const widths = head.map((cell, i) => Math.max(3, cell.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (/** @type {readonly string[]} */ cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** @param {import("./figures.mjs").Spread | undefined} spread */
export function spreadText(spread) {
  if (spread === undefined) return "–";
  if (spread.min === spread.max) return digits(spread.median);
  return `${digits(spread.median)} (${digits(spread.min)}–${digits(spread.max)})`;
}

/** @param {WayResult} way @param {WayResult | undefined} base @param {boolean} disagrees */
function row(way, base, disagrees) {
  if (way.failure !== undefined) return [way.title, `failed: ${way.failure.split("\n")[0]}`, "–", "–", "–"];
  const cpu = medianOf(way, "cpuSeconds");
  const peak = medianOf(way, "peakMb");
  return [
    disagrees ? `${way.title}: DISAGREES` : way.title,
    spreadText(secondsOf(way)),
    base === undefined ? "–" : spreadText(ratioOf(way, base)),
    cpu === undefined ? "–" : digits(cpu),
    peak === undefined ? "–" : peak.toFixed(0),
  ];
}

/** @param {WorkloadResult} workload */
export function workloadTable({ name, title, size, results, disagree }) {
  const base = results[0];
  const rows = results.map((way) => row(way, base, disagree.includes(way.name)));
  return [
    `### ${title}`,
    "",
    `\`${name}\`${size === undefined ? "" : `: ${size}`}`,
    "",
    table(["way", "seconds", "× the first", "CPU s", "peak MB"], rows),
  ].join("\n");
}

/** @param {string} scaleName @param {number} rounds @param {readonly string[]} peerNames */
export function machineText(scaleName, rounds, peerNames) {
  const gib = Math.round(totalmem() / 2 ** 30);
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), ${gib} GiB, ${process.platform} ${release()}, Node ${process.version}`;
  const versions = peerNames.flatMap((name) => {
    const peer = peers[name];
    return peer === undefined || peer.version() === process.version ? [] : `${peer.title} ${peer.version()}`;
  });
  return [
    `Scale \`${scaleName}\`, ${rounds === 1 ? "one round" : `${rounds} rounds in rotation`}; ${machine}.`,
    ...(versions.length === 0 ? [] : [`Peers: ${versions.join(", ")}.`]),
  ].join("\n");
}
