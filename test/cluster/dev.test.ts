/** `bicoastal dev`: a cluster for trying out, which ends with its command, however that ends. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { binPath, jsonLines, runNode } from "../cli-process.ts";
import { TiedProcess } from "../tied-process.ts";
import { GatedJob } from "./gated-job.ts";
import { outputOf, runAlone } from "./node-processes.ts";

const POLL_MS = 25;

interface Ready {
  readonly store: string;
  readonly nodes: readonly { readonly name: string; readonly pid: number }[];
}

interface Dev {
  readonly room: string;
  readonly process: TiedProcess;
  readonly ready: Ready;
}

async function startDev(...args: readonly string[]): Promise<Dev> {
  const room = mkdtempSync(join(tmpdir(), "bicoastal-dev-"));
  let onReady = (_: Ready): void => {};
  const ready = new Promise<Ready>((resolve) => {
    onReady = resolve;
  });
  const errors: string[] = [];
  const size = ["--threads", "1", "--memory", "300MB"];
  const started = await TiedProcess.start({
    command: [process.execPath, binPath, "dev", ...size, ...args, "--json", "--data-dir", join(room, "dev")],
    cwd: room,
    onOutput: (line) => {
      const said = JSON.parse(line) as Ready & { readonly kind: string };
      if (said.kind === "ready") onReady(said);
    },
    onError: (line) => void errors.push(line),
  });
  onTestFinished(async () => {
    await started.kill();
    rmSync(room, { recursive: true, force: true, maxRetries: 5 });
  });
  const failed = started.ended.then((code) => {
    throw new Error(`dev ended with ${code}:\n${errors.join("\n")}`);
  });
  return { room, process: started, ready: await Promise.race([ready, failed]) };
}

/** Also one that has ended, while whoever stands in for its parent has not asked how. */
const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return process.platform === "linux" && /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
};

async function allGone({ nodes }: Ready): Promise<void> {
  while (!nodes.every(({ pid }) => isGone(pid))) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

test("a cluster for trying out runs a job, and ends with its command that is killed", async () => {
  const dev = await startDev("--nodes", "3", "--regions", "east,west");
  expect(dev.ready.nodes.map(({ name }) => name)).toEqual(["east-1", "west-1", "east-2"]);
  const { file } = new GatedJob(dev.room);
  const command = [binPath, "run", file, "--out", "out", "--json", "--store", dev.ready.store];
  const result = await runNode(command, {
    cwd: dev.room,
    env: { BICOASTAL_DATA_DIR: join(dev.room, "client") },
  });
  expect(outputOf(result, join(dev.room, "out"))).toEqual(await runAlone());
  const doctor = [
    binPath,
    "doctor",
    "--json",
    "--store",
    dev.ready.store,
    "--data-dir",
    join(dev.room, "client"),
  ];
  const names = dev.ready.nodes.map(({ name }) => name);
  // One that stands still just then is asked again; the last answer says what was wrong.
  await expect
    .poll(async () => {
      const { stdout } = await runNode(doctor, { cwd: dev.room });
      const findings = jsonLines({ code: 0, stdout, stderr: "" }) as { check: string; level: string }[];
      return findings.filter(({ check }) => check.startsWith("node "));
    })
    .toMatchObject(names.toSorted().map((name) => ({ check: `node ${name}`, level: "ok" })));
  await dev.process.kill();
  await allGone(dev.ready);
});

test("it goes without etcd, and ends its nodes when it is told to end", async () => {
  const dev = await startDev("--nodes", "1", "--embedded");
  const ask = [binPath, "nodes", "--json", "--store", dev.ready.store];
  await expect
    .poll(async () => jsonLines(await runNode(ask, { cwd: dev.room })))
    .toMatchObject([{ node: "local-1", region: "local", state: "ready" }]);
  dev.process.signal("SIGTERM");
  expect(await dev.process.ended).toBe(0);
  await allGone(dev.ready);
});
