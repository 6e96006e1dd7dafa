// `npm run bench:setup`: installs the peers that the bench compares with, into a directory of the bench's own
// (bench/.peers, or $BICOASTAL_BENCH_PEERS), which git, biome and knip leave alone. They are no dependencies of the
// package. Where something cannot be installed it is left out, by name, and the bench leaves it out too.
//
//     npm run bench:setup                     all of them: about 2.5 GB
//     npm run bench:setup -- duckdb polars    some
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peers, peersDirectory, pythonOf } from "../bench/harness/peers.mjs";

/** The binaries of later versions of nodejs-polars are for Node 22 and newer; npm leaves them out in silence. */
const polars = Number(process.versions.node.split(".")[0]) < 22 ? "nodejs-polars@0.24" : "nodejs-polars";

/** What each peer is called on its registry, and where that is. */
const npmPeers = { duckdb: ["@duckdb/node-api"], polars: [polars] };
const pythonPeers = {
  dask: ["dask[dataframe]", "distributed", "pyarrow", "pandas"],
  pyspark: ["pyspark", "pyarrow", "pandas"],
  // Its joins need the Python package of Polars.
  ray: ["ray[data]", "pandas", "pyarrow", "polars"],
};

const known = [...Object.keys(npmPeers), ...Object.keys(pythonPeers)];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no peer ${unknown.join(", ")} to install. There are: ${known.join(", ")}.`);
  process.exit(2);
}
const wanted = asked.length > 0 ? asked : known;

/**
 * Runs a command with its errors on ours.
 * @param {string} command @param {string[]} args @returns {string | undefined} Why it failed, or undefined.
 */
function failure(command, args) {
  const result = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (result.error !== undefined) return `${command}: ${result.error.message}`;
  return result.status === 0
    ? undefined
    : `${command} ended with ${result.signal ?? `exit code ${result.status}`}`;
}

/** @param {readonly string[]} packages */
function installFromNpm(packages) {
  const manifest = join(peersDirectory, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, `${JSON.stringify({ private: true })}\n`);
  return failure("npm", [
    "install",
    ...["--prefix", peersDirectory, "--no-audit", "--no-fund", "--loglevel=error"],
    ...packages,
  ]);
}

/** @param {readonly string[]} packages */
function installFromPython(packages) {
  const venv = join(peersDirectory, "venv");
  const missing = existsSync(pythonOf(venv)) ? undefined : failure("python3", ["-m", "venv", venv]);
  return missing ?? failure(pythonOf(venv), ["-m", "pip", "install", "--quiet", ...packages]);
}

mkdirSync(peersDirectory, { recursive: true });
/** @type {string[]} */
const leftOut = [];
for (const [list, install] of /** @type {const} */ ([
  [npmPeers, installFromNpm],
  [pythonPeers, installFromPython],
])) {
  for (const [name, packages] of Object.entries(list)) {
    if (!wanted.includes(name)) continue;
    console.error(`Installing ${name} (${packages.join(", ")}) …`);
    const why = install(packages) ?? peers[name]?.missing();
    if (why !== undefined) leftOut.push(`${name}: ${why}`);
  }
}

for (const line of leftOut) console.error(`left out: ${line}`);
console.log(`${wanted.length - leftOut.length} of ${wanted.length} peers are ready in ${peersDirectory}`);
