// Runs the project's own tools from plain Node, so that a fresh clone needs nothing but Node and npm.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of package.json. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Whether node_modules holds exactly the versions of package-lock.json. Compares content, not times: a checkout
 * touches files without changing them.
 */
function isInstalled() {
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const found = JSON.parse(readFileSync(hidden, "utf8")).packages;
  return Object.entries(wanted).every(
    // Optional packages are often for other platforms and are then rightly absent.
    ([path, entry]) =>
      path === "" || (found[path] === undefined ? entry.optional : found[path].version === entry.version),
  );
}

/**
 * Installs the locked dependencies where they are missing or differ.
 *
 * Not by `npm ci`: that refuses a lock written where the registry did not carry the binaries of every other
 * platform. `npm install` takes the same versions from the lock, and with `--no-save` leaves the lock alone.
 *
 * @returns {boolean} Whether they are there now.
 */
export function ensureInstalled() {
  if (isInstalled()) return true;
  console.log("Installing dependencies …");
  const result = spawnSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (result.status === 0) return true;
  console.error(
    `npm install failed (${result.error?.message ?? `exit code ${result.status}`}). Run it by hand to see more.`,
  );
  return false;
}

/**
 * The script behind a command of an installed package.
 * @param {string} packageName
 * @param {string} [command] Default: the package's only one.
 */
function binOf(packageName, command) {
  const directory = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const path = typeof bin === "string" ? bin : (bin[command ?? ""] ?? Object.values(bin)[0]);
  return join(directory, path);
}

/**
 * Runs a command of an installed package, with its output on ours.
 * @param {string} packageName
 * @param {string[]} args
 * @param {{ command?: string, quiet?: boolean, env?: Record<string, string> }} [options]
 *   quiet: prints only if it fails.
 * @returns {Promise<boolean>} Whether it succeeded.
 */
export function tool(packageName, args, options = {}) {
  return node([binOf(packageName, options.command), ...args], options);
}

/**
 * Runs this Node with these arguments in the project's directory.
 * @param {string[]} args
 * @param {{ quiet?: boolean, env?: Record<string, string> }} [options] As for `tool`.
 * @returns {Promise<boolean>} Whether it succeeded.
 */
export function node(args, { quiet = false, env = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
    });
    /** @type {Buffer[]} */
    const output = [];
    child.stdout?.on("data", (chunk) => output.push(chunk));
    child.stderr?.on("data", (chunk) => output.push(chunk));
    child.on("error", (error) => {
      console.error(error.message);
      resolve(false);
    });
    child.on("close", (code) => {
      if (code !== 0) process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

/** Builds dist/. @returns {Promise<boolean>} Whether it succeeded. */
export function build() {
  return tool("tsdown", ["--logLevel", "warn"], { quiet: true });
}
