// Who is compared: each peer's name in tables, how a program of its is run, and whether it is here. A peer that is not
// here is left out by name, with what would bring it.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory `bench/`. */
export const benchDirectory = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where `npm run bench:setup` installs; the variable lets several checkouts share one. */
export const peersDirectory = process.env.BICOASTAL_BENCH_PEERS ?? join(benchDirectory, ".peers");

/** @param {string} venv @returns {string} */
export const pythonOf = (venv) =>
  process.platform === "win32" ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");

const python = pythonOf(join(peersDirectory, "venv"));

/**
 * @typedef {object} Peer
 * @property {string} title As tables name it.
 * @property {string} [file] The name that its program has in a workload's folder; none for Bicoastal.
 * @property {"typed lambdas" | "one thread" | "two threads" | "two processes"} how What it works with.
 * @property {() => string | undefined} missing Why it cannot run here, or undefined.
 * @property {() => string} version
 * @property {(program: string) => string[]} command
 */

/** @param {string} command @param {string[]} args */
function firstLine(command, args) {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  return status === null ? undefined : (stdout || stderr).split("\n")[0];
}

/** @param {string} name */
function npmVersion(name) {
  const manifest = join(peersDirectory, "node_modules", name, "package.json");
  return existsSync(manifest) ? String(JSON.parse(readFileSync(manifest, "utf8")).version) : undefined;
}

/** A package may be there without the binary that it loads. @param {string} name */
function npmFailure(name) {
  const script = `require(${JSON.stringify(join(peersDirectory, "node_modules", name))})`;
  const { status, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
  return status === 0 ? undefined : `does not load: ${/Error: .*/.exec(stderr)?.[0] ?? stderr}`;
}

/** @param {string} module */
function pythonVersion(module) {
  if (!existsSync(python)) return undefined;
  const script = `import importlib.metadata as m; print(m.version("${module}"))`;
  const { status, stdout } = spawnSync(python, ["-c", script], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

const compilers = ["clang++", "g++"];
const compiler = () => compilers.find((name) => firstLine(name, ["--version"]) !== undefined);

/**
 * Compiles a limit program where its source is newer, and gives the binary.
 * @param {string} source
 */
function compiled(source) {
  const directory = join(peersDirectory, "limit");
  const binary = join(directory, basename(source, ".cpp"));
  mkdirSync(directory, { recursive: true });
  const header = join(dirname(source), "input.hpp");
  const newestMs = Math.max(statSync(source).mtimeMs, statSync(header).mtimeMs);
  if (existsSync(binary) && statSync(binary).mtimeMs > newestMs) return binary;
  const flags = ["-O3", "-march=native", "-std=c++20", "-pthread", "-Wall", "-Wextra"];
  const { status, stderr } = spawnSync(compiler() ?? "", [...flags, source, "-o", binary], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${source} does not compile:\n${stderr}`);
  return binary;
}

/** @param {string} what */
const setup = (what) => `${what} is not installed: npm run bench:setup`;

/** @param {string} name @param {string} title @param {string} file @returns {Peer} */
const fromNpm = (name, title, file) => ({
  title,
  file,
  how: "two threads",
  missing: () => (npmVersion(name) === undefined ? setup(title) : npmFailure(name)),
  version: () => npmVersion(name) ?? "",
  command: (program) => [process.execPath, program],
});

/** @param {string} module @param {string} title @param {() => string | undefined} [also] @returns {Peer} */
const fromPython = (module, title, also = () => undefined) => ({
  title,
  // Not the module's own name, by which Python would find it first.
  file: `py-${module.replace(/^py/, "")}.py`,
  how: "two processes",
  missing: () => (pythonVersion(module) === undefined ? setup(title) : also()),
  version: () => pythonVersion(module) ?? "",
  command: (program) => [python, program],
});

/** @param {string} title @param {string} file @param {Peer["how"]} how @returns {Peer} */
const plainNode = (title, file, how) => ({
  title,
  file,
  how,
  missing: () => undefined,
  version: () => process.version,
  command: (program) => [process.execPath, program],
});

/** In the order of tables. @type {Record<string, Peer>} */
export const peers = {
  readline: plainNode("Node, readline and Map", "readline.mjs", "one thread"),
  threads: plainNode("Node, worker_threads by hand", "threads.mjs", "two threads"),
  duckdb: fromNpm("@duckdb/node-api", "DuckDB", "duckdb.mjs"),
  polars: fromNpm("nodejs-polars", "Polars", "polars.mjs"),
  gnu: {
    title: "GNU tools",
    file: "gnu.sh",
    how: "two threads",
    missing: () =>
      firstLine("sort", ["--version"])?.includes("GNU") ? undefined : "GNU sort is not on the path",
    version: () => firstLine("sort", ["--version"])?.split(" ").at(-1) ?? "",
    command: (program) => ["sh", program],
  },
  mawk: {
    title: "mawk",
    file: "mawk.sh",
    how: "one thread",
    missing: () =>
      firstLine("mawk", ["-W", "version"]) === undefined ? "mawk is not on the path" : undefined,
    version: () => firstLine("mawk", ["-W", "version"])?.split(" ")[1] ?? "",
    command: (program) => ["sh", program],
  },
  dask: fromPython("dask", "Dask"),
  pyspark: fromPython("pyspark", "PySpark", () =>
    firstLine("java", ["-version"]) === undefined
      ? "PySpark needs Java (Debian: apt-get install default-jre-headless)"
      : undefined,
  ),
  ray: fromPython("ray", "Ray Data"),
  limit: {
    title: "C++, the limit",
    file: "limit.cpp",
    how: "two threads",
    missing: () => (compiler() === undefined ? `none of ${compilers.join(", ")} is on the path` : undefined),
    version: () => firstLine(compiler() ?? "", ["--version"])?.replace(/ \(.*/, "") ?? "",
    command: (program) => [compiled(program)],
  },
};
