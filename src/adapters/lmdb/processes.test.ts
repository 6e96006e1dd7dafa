/** The store under several real processes, some of them killed without warning. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { apply, put, utf8 } from "../../ports/control-store.contract.ts";
import { type ControlStore, prefixEnd } from "../../ports/control-store.ts";
import { systemClock } from "../machine/system-clock.ts";
import { openLmdbControlStore } from "./store.ts";

/** Each script has `store`, `directory` and `args`; what it acknowledges it says on its output, at once. */
const scripts = {
  /** Adds 1 to "n" so many times, leaving a mark for each in the same transaction. */
  increment: `
    const [name, times] = args;
    for (let done = 0; done < Number(times); ) {
      const { entry } = await store.get("n");
      const next = Number(entry === undefined ? 0 : new TextDecoder().decode(entry.value)) + 1;
      const value = new TextEncoder().encode(String(next));
      const { succeeded } = await store.txn({
        compare: [{ key: "n", target: "modRevision", op: "=", value: entry?.modRevision ?? 0 }],
        success: [{ kind: "put", key: "n", value }, { kind: "put", key: "mark/" + name + "/" + next, value }],
      });
      if (!succeeded) continue;
      say(next);
      done++;
    }`,
  /** Writes as fast as it can, for ever. */
  write: `
    for (let i = 0; ; i++) {
      await store.txn({ compare: [], success: [
        { kind: "put", key: "last", value: new TextEncoder().encode(String(i)) },
        { kind: "put", key: "log/" + String(i).padStart(8, "0"), value: new Uint8Array((i * 7919) % 20_000).fill(i) },
      ] });
      say(i);
    }`,
  lease: `
    const lease = await store.grantLease(Number(args[0]));
    await store.txn({ compare: [], success: [{ kind: "put", key: "held", value: new Uint8Array(1), lease }] });
    say(lease);
    await new Promise(() => setInterval(() => {}, 1000));`,
  /** Reads for ever, so that it dies with a place in LMDB's table of readers. */
  read: `
    for (let i = 0; ; i++) {
      await store.range("", "\u{10ffff}");
      if (i === 10) say("reading");
    }`,
  /** Fills the store until it refuses, then says why, what it could write, and whether it can still read. */
  fill: `
    let i = 0;
    try {
      for (; ; i++)
        await store.txn({ compare: [], success: [{ kind: "put", key: "k" + i, value: new Uint8Array(100_000).fill(i) }] });
    } catch (error) {
      const { entries } = await store.range("", "\u{10ffff}");
      say(JSON.stringify({ written: i, code: error.code, details: error.details, readable: entries.length }));
    }
    await store.close();`,
};

let bundles: string;
beforeAll(async () => {
  bundles = await mkdtemp(join(tmpdir(), "bicoastal-bundles-"));
  await chmod(bundles, 0o755);
  await symlink(resolve("node_modules"), join(bundles, "node_modules"));
  const start = `
    import { writeSync } from "node:fs";
    import { systemClock } from "../machine/system-clock.ts";
    import { openLmdbControlStore } from "./store.ts";
    const [directory, ...args] = process.argv.slice(2);
    const say = (what) => writeSync(1, what + "\\n");
    const store = await openLmdbControlStore({ directory, clock: systemClock });`;
  for (const [name, script] of Object.entries(scripts)) {
    await build({
      stdin: { contents: start + script, resolveDir: import.meta.dirname, loader: "ts" },
      outfile: join(bundles, `${name}.mjs`),
      bundle: true,
      format: "esm",
      platform: "node",
      external: ["lmdb"],
    });
  }
});
afterAll(() => rm(bundles, { recursive: true, force: true }));

interface Running {
  readonly child: ChildProcess;
  /** What it said, a line each. */
  readonly said: string[];
  readonly ended: Promise<unknown>;
}

describe("the store on LMDB, with several processes", () => {
  let directory: string;
  const running: Running[] = [];
  const stores: ControlStore[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "bicoastal-store-"));
  });
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
    for (const store of stores.splice(0)) await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const open = async (): Promise<ControlStore> => {
    const store = await openLmdbControlStore({ directory, clock: systemClock });
    stores.push(store);
    return store;
  };

  /** @param onLine Called with the number of lines so far. */
  const start = (name: keyof typeof scripts, args: string[], onLine?: (lines: number) => void): Running => {
    const argv = [join(bundles, `${name}.mjs`), directory, ...args];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    const said: string[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      said.push(line);
      onLine?.(said.length);
    });
    const process_ = { child, said, ended: Promise.all([once(child, "exit"), once(lines, "close")]) };
    running.push(process_);
    return process_;
  };
  /** Kills it once it has said so many lines. */
  const startToKill = (name: keyof typeof scripts, args: string[], linesAtDeath: number): Running => {
    const process_: Running = start(name, args, (lines) => {
      if (lines === linesAtDeath) process_.child.kill("SIGKILL");
    });
    return process_;
  };

  test("a counter loses no increment that was acknowledged and counts none twice", async () => {
    const times = 60;
    const store = await open();
    const watched: string[] = [];
    store.watch({ from: "n", to: "n\0" }, (event) => {
      if (event.kind === "changes")
        watched.push(...event.changes.map((c) => (c.kind === "put" ? textOf(c.entry.value) : "")));
    });
    const deaths = [1, 7, 20, 33];
    const doomed = deaths.map((lines, i) => startToKill("increment", [`doomed${i}`, "1000000"], lines));
    const steady = [0, 1].map((i) => start("increment", [`steady${i}`, String(times)]));
    await Promise.all([...doomed, ...steady].map(({ ended }) => ended));

    for (const { said, child } of steady) expect([said.length, child.exitCode]).toEqual([times, 0]);
    for (const { child } of doomed) expect(child.signalCode).toBe("SIGKILL");
    const acknowledged = [...doomed, ...steady].flatMap(({ said }) => said.map(Number));
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    const { entries } = await store.range("mark/", prefixEnd("mark/"));
    const marked = entries.map(({ value }) => Number(textOf(value))).sort((a, b) => a - b);
    const total = Number(textOf((await store.get("n")).entry!.value));
    expect(marked).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(marked).toEqual(expect.arrayContaining(acknowledged));
    // What a process did last it may not have had the time to say.
    expect(total - acknowledged.length).toBeLessThanOrEqual(deaths.length);
    await until(() => watched.length === total);
    expect(watched).toEqual(marked.map(String));
  });

  test("acknowledged writes outlive a kill, at whatever moment, and the store goes on", async () => {
    let before = 0;
    for (const linesAtDeath of [1, 2, 5, 40, 41, 90]) {
      const { said, ended } = startToKill("write", [], linesAtDeath);
      await ended;
      const store = await open();
      const { entries } = await store.range("log/", prefixEnd("log/"));
      const last = Number(textOf((await store.get("last")).entry!.value));
      expect(last).toBeGreaterThanOrEqual(Number(said.at(-1)));
      expect(entries.length).toBeGreaterThanOrEqual(Math.max(before, said.length));
      for (const { key, value } of entries) {
        const i = Number(key.slice("log/".length));
        expect(Buffer.compare(value, new Uint8Array((i * 7919) % 20_000).fill(i))).toBe(0);
      }
      before = entries.length;
      await store.close();
    }
  });

  test("readers that were killed do not keep others from writing and reading", async () => {
    const store = await open();
    for (let i = 0; i < 20; i++) await apply(store, put(`k${i}`, "x".repeat(1_000)));
    const readers = Array.from({ length: 4 }, () => startToKill("read", [], 1));
    await Promise.all(readers.map(({ ended }) => ended));
    for (let i = 0; i < 300; i++) await apply(store, put(`k${i % 20}`, `${i}`));
    const other = await open();
    expect(textOf((await other.get("k19")).entry!.value)).toBe("299");
  });

  test("the lease of a process that was killed runs out, and watches see it", async () => {
    const { said, ended } = startToKill("lease", ["1000"], 1);
    await ended;
    const store = await open();
    const events: unknown[] = [];
    store.watch({ from: "held", to: "held\0", fromRevision: 2 }, (event) => void events.push(event));
    await until(() => events.length === 2);
    expect(events[1]).toMatchObject({ kind: "changes", changes: [{ kind: "delete", key: "held" }] });
    expect((await store.get("held")).entry).toBeUndefined();
    expect(await store.keepAlive(said[0] as string)).toBe(false);
  });

  test("a write the disk does not take has failed for certain, nothing is lost, and reading goes on", async () => {
    // A limit on the length of files stands for a full disk: it cuts the same writes short, and needs no privilege.
    const command = `ulimit -f 8192 && exec "$0" "$@"`;
    const argv = ["-c", command, process.execPath, join(bundles, "fill.mjs"), directory];
    const child = spawn("sh", argv, { stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(child, "close");
    const report = JSON.parse(Buffer.concat(chunks).toString());
    expect(report).toMatchObject({ details: { directory, outcome: "failed" } });
    expect(["DISK_FULL", "STORE_UNAVAILABLE"]).toContain(report.code);
    expect(report.written).toBeGreaterThan(5);
    expect(report.readable).toBe(report.written);
    const store = await open();
    expect((await store.range("k", "l")).entries.length).toBe(report.written);
    await apply(store, { kind: "put", key: "k", value: utf8("room again") });
  });

  test("a directory this user may not write to is named, with what to do", async () => {
    const locked = join(directory, "locked");
    await mkdir(locked);
    await chmod(locked, 0o555);
    await chmod(directory, 0o755);
    // Root may write anywhere, so it becomes somebody else.
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const argv = [join(bundles, "write.mjs"), locked];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "pipe"], ...user });
    const chunks: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(child, "close");
    const message = Buffer.concat(chunks).toString();
    expect(message).toContain("STORE_UNAVAILABLE");
    expect(message).toContain(locked);
    expect(message).toContain("--data-dir");
  });
});

const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((done) => setTimeout(done, 20));
}
