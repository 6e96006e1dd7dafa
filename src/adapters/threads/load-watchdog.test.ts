import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, expect, test } from "vitest";

const room = mkdtempSync(join(tmpdir(), "watchdog-"));
afterAll(() => rmSync(room, { recursive: true, force: true }));
buildSync({
  entryPoints: ["load-watchdog.ts", "end-main-thread.ts"].map((name) => join(import.meta.dirname, name)),
  outdir: room,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
});

/** Runs a program that watches with this limit, in a process of its own. */
function outcome(
  loadTimeoutMs: number,
  body: string,
  flags: readonly string[] = [],
  askIdle = "",
): Promise<object> {
  writeFileSync(
    join(room, "main.mjs"),
    `import { watchLoading } from "./load-watchdog.mjs";
process.on("exit", () => console.error("exit hook"));
${askIdle}
const stop = watchLoading({ subject: '"job.ts"', loadTimeoutMs: ${loadTimeoutMs}${askIdle && ", askIdle"} });
${body}`,
  );
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, join(room, "main.mjs")], (error, _, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stderr }),
    );
  });
}

/** Longer than a busy machine takes from one statement to the next. */
const IN_TIME_MS = 4_000;
const PAST = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${IN_TIME_MS + 1_000});`;

test("a loop that never ends is ended with an error, even where process.exit is another", async () => {
  const found = await outcome(200, "process.exit = () => { throw 1; }; for (;;);");
  const message =
    'error[BUNDLE_FAILED]: "job.ts" had not loaded after 0.2 s: look for a loop or an await at its top level that never ends.';
  expect(found).toEqual({ code: 1, stderr: `${message}\nexit hook\n` });
});

/** As a task's thread does it, while it starts; it lives on. */
const IDLE_THREAD = `
import { Worker, isMainThread, parentPort } from "node:worker_threads";
import { watchFromThread } from "./end-main-thread.mjs";
if (!isMainThread) {
  parentPort.on("message", watchFromThread);
  await new Promise(() => {});
}
const idle = new Worker(new URL(import.meta.url));
idle.unref();
const askIdle = (watch) => (idle.postMessage(watch), true);`;

test("a thread that is there anyway ends the loop just so, and does nothing where the watch was ended", async () => {
  const message =
    'error[BUNDLE_FAILED]: "job.ts" had not loaded after 0.2 s: look for a loop or an await at its top level that never ends.';
  const found = await outcome(200, "for (;;);", [], IDLE_THREAD);
  expect(found).toEqual({ code: 1, stderr: `${message}\nexit hook\n` });
  expect(await outcome(IN_TIME_MS, `stop(); ${PAST}`, [], IDLE_THREAD)).toEqual({
    code: 0,
    stderr: "exit hook\n",
  });
});

test("a watch that is ended in time does nothing, nor one that is never ended and whose process ends", async () => {
  expect(await outcome(IN_TIME_MS, `stop(); ${PAST}`)).toEqual({ code: 0, stderr: "exit hook\n" });
  expect(await outcome(600_000, "")).toEqual({ code: 0, stderr: "exit hook\n" });
});

test("nothing is watched under a debugger", async () => {
  const nap = "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);";
  expect(await outcome(200, nap, ["--inspect=127.0.0.1:0"])).toMatchObject({ code: 0 });
});
