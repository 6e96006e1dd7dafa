// Compares the types users see, dist/index.d.ts, with the copy in the repository, so that a change of the public
// API is always a visible line of a diff. `npm run public-types` writes the copy anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "./tools.mjs";

const golden = join(root, "test", "golden", "public-types.d.ts");

/** The declarations without comments, in the compiler's own layout: documentation may change freely. */
function declarations() {
  const path = join(root, "dist", "index.d.ts");
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2023);
  return `${ts.createPrinter({ removeComments: true }).printFile(file).trim()}\n`;
}

/** @param {string} path */
const readIfThere = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const now = declarations();
if (process.argv.includes("--write")) {
  writeFileSync(golden, now);
  console.log("Wrote test/golden/public-types.d.ts. Look at its diff: it is what users will notice.");
} else if (now !== readIfThere(golden)) {
  const before = new Set(readIfThere(golden).split("\n"));
  const after = new Set(now.split("\n"));
  for (const line of before) if (!after.has(line)) console.log(`- ${line}`);
  for (const line of after) if (!before.has(line)) console.log(`+ ${line}`);
  console.error(
    "The public types changed. If that is meant: npm run public-types, and add a changeset (npx changeset).",
  );
  process.exit(1);
}
