// Writes the tables into docs/performance.md, between two marks, and the plot beside it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/tools.mjs";
import { plot } from "./plot.mjs";
import { workloadTable } from "./report.mjs";

/**
 * Writes these paragraphs into docs/performance.md, between the two lines that name this bench, or this part of it.
 * @param {string} bench As npm runs it. @param {readonly string[]} parts
 * @param {string} [only] The part, as `--only` takes it.
 */
export function writeBetween(bench, parts, only) {
  const path = join(root, "docs", "performance.md");
  const page = readFileSync(path, "utf8");
  const name = only === undefined ? bench : `${bench} ${only}`;
  const flags = `${only === undefined ? "" : `--only ${only} `}--write-docs`;
  const begin = `<!-- ${name}: what \`npm run ${bench} -- ${flags}\` printed; do not edit -->`;
  const end = `<!-- ${name}: end -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from)
    throw new Error(`${path} has no two lines "${begin}" and "${end}" to write between`);
  writeFileSync(path, `${page.slice(0, from)}${begin}\n\n${parts.join("\n\n")}\n\n${page.slice(to)}`);
  console.error(`Written: ${path}`);
}

/**
 * @param {{ machine: string, leftOut: readonly string[], targets: string | undefined,
 *   workloads: readonly import("./report.mjs").WorkloadResult[] }} results
 */
export function writeDocs({ machine, leftOut, targets, workloads }) {
  writeFileSync(join(root, "docs", "performance.svg"), plot(workloads));
  const parts = [
    machine,
    ...(leftOut.length === 0 ? [] : [`Left out: ${leftOut.map((line) => line.split(":")[0]).join(", ")}.`]),
    "![Time of each way as a multiple of Bicoastal's](performance.svg)",
    ...(targets === undefined ? [] : ["### Aims", targets]),
    ...workloads.map(workloadTable),
  ];
  writeBetween("bench", parts);
}
