// `npm run fuzz -- --minutes M --times K [NAME …]`: every property test (`*.fuzz.test.ts`, or those with a NAME in their
// path), again and again with fresh seeds, until the time is over or one fails; each property K times as often as in
// `npm test`. What fails says the seed that repeats it.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureInstalled, root, tool } from "./tools.mjs";

const { values, positionals } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, times: { type: "string", default: "1" } },
  allowPositionals: true,
});
if (!/^[1-9]\d{0,4}$/.test(values.minutes)) {
  console.error(`--minutes is "${values.minutes}"; it must be a whole number from 1.`);
  process.exit(2);
}
if (!/^[1-9]\d{0,3}$/.test(values.times)) {
  console.error(`--times is "${values.times}"; it must be a whole number from 1 to 9999.`);
  process.exit(2);
}
if (!ensureInstalled()) process.exit(1);
const files = ["src", "test"]
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
  )
  .filter((path) => path.endsWith(".fuzz.test.ts"))
  .filter((path) => positionals.length === 0 || positionals.some((name) => path.includes(name)))
  .sort();
if (files.length === 0) {
  console.error(`No property test has ${positionals.join(" or ")} in its path.`);
  process.exit(2);
}
const endMs = performance.now() + Number(values.minutes) * 60_000;
const flags = ["--reporter=dot", "--typecheck.enabled=false"];
// As long as it takes: a limit made for one round says nothing of many.
if (values.times !== "1") flags.push("--testTimeout=0");
const env = values.times === "1" ? {} : { FUZZ_TIMES: values.times };
let rounds = 0;
do {
  rounds++;
  if (!(await tool("vitest", ["run", ...flags, ...files], { env }))) {
    console.error(`Round ${rounds} failed.`);
    process.exit(1);
  }
} while (performance.now() < endMs);
console.log(`${files.length} files, ${rounds} rounds, none failed.`);
