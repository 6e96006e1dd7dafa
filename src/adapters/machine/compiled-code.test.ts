import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeEach, describe, expect, test } from "vitest";

const room = mkdtempSync(join(tmpdir(), "compiled-"));
afterAll(() => rmSync(room, { recursive: true, force: true }));

const program = join(room, "program.mjs");
buildSync({
  stdin: {
    contents: `import { loadCode } from "./compiled-code.ts";
      const [file, use] = process.argv.slice(2);
      const { exports, keep } = loadCode(file, use);
      const answer = exports.answer();
      keep?.();
      console.log(JSON.stringify({ answer, keeps: keep !== undefined }));`,
    resolveDir: import.meta.dirname,
  },
  outfile: program,
  bundle: true,
  format: "esm",
  platform: "node",
});

let kept: string;
let file: string;

beforeEach(() => {
  const own = mkdtempSync(join(room, "one-"));
  kept = join(own, "kept");
  file = join(own, "code.cjs");
  writeFileSync(file, source(1));
});

const source = (answer: number): string =>
  `const { basename } = require("node:path"); exports.answer = () => [${answer}, basename(__filename), basename(__dirname) !== ""];`;

/** What a process of its own gets of the file, and whether it keeps what it compiled. */
function load(use = "run", env: Record<string, string> = {}): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, [program, file, use], {
    env: { ...process.env, NODE_COMPILE_CACHE: kept, NODE_DISABLE_COMPILE_CACHE: undefined, ...env },
    encoding: "utf8",
  });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}

const answer = (value: number) => [value, "code.cjs", true];
/** Node that keeps compiled code by itself leaves nothing to keep. */
const nodeKeeps = "enableCompileCache" in (await import("node:module"));
const keeps = !nodeKeeps;

describe("the code of a file", () => {
  test("is kept once for each use", () => {
    expect(load()).toEqual({ answer: answer(1), keeps });
    expect(load()).toEqual({ answer: answer(1), keeps: false });
    expect(load("jobs")).toEqual({ answer: answer(1), keeps });
    expect(load("jobs")).toEqual({ answer: answer(1), keeps: false });
  });

  test("is what the file says now, also where that is as long as before", () => {
    load();
    writeFileSync(file, source(2));
    expect(load()).toEqual({ answer: answer(2), keeps });
  });

  test("is compiled again where what was kept is damaged", () => {
    load();
    for (const name of nodeKeeps ? [] : readdirSync(kept)) {
      const bytes = readFileSync(join(kept, name));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(join(kept, name), bytes);
    }
    expect(load()).toEqual({ answer: answer(1), keeps });
    expect(load()).toEqual({ answer: answer(1), keeps: false });
  });

  test("is kept nowhere where others may write, where it is forbidden, and for no odd use", () => {
    load();
    expect(load("../run")).toEqual({ answer: answer(1), keeps: false });
    expect(load("run", { NODE_DISABLE_COMPILE_CACHE: "1" })).toEqual({ answer: answer(1), keeps: false });
    chmodSync(kept, 0o777);
    expect(load("jobs")).toEqual({ answer: answer(1), keeps: false });
    writeFileSync(join(room, "no-directory"), "");
    expect(load("run", { NODE_COMPILE_CACHE: join(room, "no-directory") })).toEqual({
      answer: answer(1),
      keeps: false,
    });
  });
});
