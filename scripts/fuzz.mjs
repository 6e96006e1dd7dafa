// `npm run fuzz -- --minutes M [NAME …]`: every property test (`*.fuzz.test.ts`, or those with a NAME in their path), again
// and again with fresh seeds, until the time is over or one fails. What fails says the seed that repeats it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureInstalled, root, tool } from "./tools.mjs";

const { values, positionals } = parseArgs({
  options: { minutes: { type: "string", default: "10" } },
  allowPositionals: true,
});
if (!/^[1-9]\d{0,4}$/.test(values.minutes)) {
  console.error(`--minutes is "${values.minutes}"; it must be a whole number from 1.`);
  process.exit(2);
}
if (!ensureInstalled()) process.exit(1);
const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".fuzz.test.ts"))
  .filter((path) => positionals.length === 0 || positionals.some((name) => path.includes(name)))
  .map((path) => join("src", path))
  .sort();
if (files.length === 0) {
  console.error(`No property test has ${positionals.join(" or ")} in its path.`);
  process.exit(2);
}
const endMs = performance.now() + Number(values.minutes) * 60_000;
let rounds = 0;
do {
  rounds++;
  if (!(await tool("vitest", ["run", "--reporter=dot", "--typecheck.enabled=false", ...files]))) {
    console.error(`Round ${rounds} failed.`);
    process.exit(1);
  }
} while (performance.now() < endMs);
console.log(`${files.length} files, ${rounds} rounds, none failed.`);
