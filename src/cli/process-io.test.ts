/** The real streams, in processes of their own: what a test cannot fake is a reader that goes away. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "bicoastal-io-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const script = join(directory, "write.mjs");

/** Writes lines until nobody reads, then tells how many there were; or says how it looks. */
const SOURCE = `
import { processIo } from ${JSON.stringify(fileURLToPath(new URL("process-io.ts", import.meta.url)))};
if (process.argv[3] === "narrow") Object.assign(process.stdout, { isTTY: true, columns: 0 });
const io = processIo();
if (process.argv[2] === "look") {
  const { stdout } = io;
  await stdout.write(JSON.stringify([stdout.isTerminal, stdout.columns ?? null, stdout.style("red", "x")]));
} else {
  let lines = 0;
  while (!io.stdout.closed && lines < 1e6) await io.stdout.write("line " + lines++ + "\\n");
  await io.stderr.write(io.stdout.closed ? "closed" : "open");
  if (io.stdout.failure !== undefined) await io.stderr.write(": " + io.stdout.failure.code);
}
process.exit(0);
`;

beforeAll(async () => {
  await build({
    stdin: { contents: SOURCE, resolveDir: directory, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "node",
    outfile: script,
  });
});

test("a reader that goes away closes the stream without an error", async () => {
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  child.stderr.on("data", (text: Buffer) => {
    told += text.toString();
  });
  child.stdout.once("data", () => child.stdout.destroy());
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect([code, told]).toEqual([0, "closed"]);
});

test("a device without room is a failure", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = spawnSync(process.execPath, [script], {
    stdio: ["ignore", full, "pipe"],
    encoding: "utf8",
  });
  closeSync(full);
  expect([status, stderr]).toEqual([0, "closed: ENOSPC"]);
});

test("a file that may not grow further is a failure, also where a part still went into it", () => {
  const file = join(directory, "rows.txt");
  const limited = `ulimit -f 1; trap "" XFSZ; exec "$0" "$1" > "$2"`;
  const { stderr } = spawnSync("sh", ["-c", limited, process.execPath, script, file], { encoding: "utf8" });
  expect(stderr).toBe("closed: EFBIG");
  // The limit's unit is the shell's: half a kibibyte, or a whole one.
  expect(statSync(file).size % 512).toBe(0);
});

test("a terminal of no columns has no known width", () => {
  const { stdout } = spawnSync(process.execPath, [script, "look", "narrow"], {
    env: { ...process.env, TERM: "xterm" },
    encoding: "utf8",
  });
  expect(JSON.parse(stdout).slice(0, 2)).toEqual([true, null]);
});

test.each([
  [{}, "x"],
  [{ FORCE_COLOR: "1" }, "\u001b[31mx\u001b[39m"],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, "\u001b[31mx\u001b[39m"],
  [{ FORCE_COLOR: "0" }, "x"],
  [{ NO_COLOR: "1" }, "x"],
])("in a pipe with %j", (changes, shown) => {
  const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, [script, "look"], {
    env: { ...env, ...changes },
    encoding: "utf8",
  });
  expect(JSON.parse(stdout)).toEqual([false, null, shown]);
});
