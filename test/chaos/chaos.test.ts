/**
 * Minutes of chaos: from a seed that is always the same and from one that is new each time. A failure prints the seed, the
 * line that repeats it and where the logs are.
 */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasEtcd } from "../etcd/etcd-servers.ts";
import { root } from "../house/project-files.ts";
import { TiedProcess } from "../tied-process.ts";
import { leftOfKilled } from "./killed-run.ts";

const MINUTES_EACH = "1.4";
/** Ends what hangs: longer than a run waits for any one thing. */
const TIMEOUT_MS = 2_400_000;
const LAST_LINES = 200;

interface Ended {
  readonly code: number;
  readonly said: readonly string[];
  readonly output: readonly string[];
}

async function start(args: readonly string[], onLine: (line: string, run: TiedProcess) => void = () => {}) {
  const said: string[] = [];
  const output: string[] = [];
  const run: TiedProcess = await TiedProcess.start({
    command: [process.execPath, join(root, "scripts", "chaos.mjs"), "--no-build", ...args],
    cwd: root,
    onOutput: (line) => void output.push(line),
    onError: (line) => {
      said.push(line);
      onLine(line, run);
    },
  });
  const ended = run.ended.then((code): Ended => ({ code, said, output }));
  return { run, ended };
}

describe.runIf(hasEtcd)("chaos", () => {
  test.each([
    ["a fixed seed", "harbour"],
    ["a fresh seed", process.env.BICOASTAL_TEST_SEEDS ?? randomBytes(4).toString("hex")],
  ])(
    "from %s loses nothing, doubles nothing and leaves nothing",
    { timeout: TIMEOUT_MS },
    async (_, seed) => {
      console.log(`chaos: seed ${seed}`);
      const { ended } = await start(["--minutes", MINUTES_EACH, "--seed", seed, "--json"]);
      const { code, said, output } = await ended;
      if (code !== 0) throw new Error(`chaos ended with ${code}\n${said.slice(-LAST_LINES).join("\n")}`);
      const report = JSON.parse(output.at(-1) ?? "") as { jobs: number; faults: object; problems: string[] };
      expect(report.problems).toEqual([]);
      expect(report.jobs).toBeGreaterThan(0);
      expect(Object.keys(report.faults).length).toBeGreaterThan(3);
    },
  );

  test("that is killed in the middle leaves nothing but its logs", { timeout: TIMEOUT_MS }, async () => {
    const rooms = (): readonly string[] =>
      readdirSync(tmpdir()).filter((name) => name.startsWith("bicoastal-chaos-"));
    const before = rooms();
    let killing: Promise<void> | undefined;
    const { ended } = await start(["--minutes", "5", "--seed", "killed"], (line, run) => {
      if (line.includes("job   0-0")) killing ??= run.kill();
    });
    const { said } = await ended;
    await killing;
    expect(said.some((line) => line.includes("are up"))).toBe(true);
    const room = rooms().find((name) => !before.includes(name))!;
    const path = join(tmpdir(), room);
    // The watchdog is no child of this process.
    while (readdirSync(path).some((name) => name !== "logs"))
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(leftOfKilled(path)).toEqual([]);
  });
});
