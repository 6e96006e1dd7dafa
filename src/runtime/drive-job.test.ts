import { beforeEach, describe, expect, it } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { attemptKey, contentHash, epoch, nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { TaskOutcome } from "../plan/task.ts";
import { ManualClock } from "../ports/control-store.contract.ts";
import type { ControlStore } from "../ports/control-store.ts";
import type { TaskRequest, TaskRunner } from "../ports/task-runner.ts";
import type { LogRecord } from "../protocol/log-event.ts";
import { auditLog } from "../sim/check/check.ts";
import { COLLECT_END, outputOf, SMALL_JOB, smallSpec } from "../sim/jobs/small-job.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../sim/ports/memory-control-store.ts";
import { MemoryOutputs } from "../sim/ports/memory-outputs.ts";
import type { Crew } from "./crew.ts";
import { cardOf, type Driven, type DriveOptions, type DrivePorts, driveJob } from "./drive-job.ts";
import type { RunEvent } from "./events.ts";
import { jobKeys } from "./job-keys.ts";
import { decodeCard, JobLog } from "./job-log.ts";
import { localCrew } from "./local-crew.ts";

const LEASE_MS = 6_000;

/** Ends an attempt as the test says; by default each finishes after a moment. */
type Script = (attempt: string, request: TaskRequest) => TaskOutcome | Promise<TaskOutcome> | undefined;

class ScriptRunner implements TaskRunner {
  readonly slots = 2;
  readonly begun: string[] = [];
  script: Script = () => undefined;
  readonly #stops = new Map<string, () => void>();

  /** Several drivers' workers share it, and none waits for another's. */
  room(): number {
    return this.slots;
  }
  async run(request: TaskRequest): Promise<TaskOutcome> {
    const { attempt } = request.assignment;
    const key = attemptKey(attempt);
    this.begun.push(key);
    const stopped = new Promise<TaskOutcome>((resolve) => {
      this.#stops.set(key, () => resolve({ kind: "stopped" }));
    });
    const outcome = await Promise.race([this.script(key, request), stopped]);
    return outcome ?? { kind: "finished", output: outputOf(attempt) };
  }
  stop(...[, attempt]: Parameters<TaskRunner["stop"]>): void {
    this.#stops.get(attemptKey(attempt))?.();
  }
  async close(): Promise<void> {}
}
const never = new Promise<TaskOutcome>(() => {});
const boom = (retryable = true): TaskOutcome => {
  const error = { code: "USER_FUNCTION", message: "boom", retryable, details: {} } as const;
  return { kind: "failed", error, lostBlocks: [] };
};

describe("driving a job", () => {
  let clock: ManualClock;
  let store: MemoryControlStore;
  let outputs: MemoryOutputs;
  let runner: ScriptRunner;
  let events: RunEvent[];
  let incarnations: number;
  const spec = smallSpec();

  beforeEach(async () => {
    clock = new ManualClock();
    store = new MemoryControlStore(new MemoryStoreBackend(clock));
    outputs = new MemoryOutputs();
    runner = new ScriptRunner();
    events = [];
    incarnations = 0;
    await logOf().submit(contentHash("1"), cardOf(spec, undefined));
  });

  const logOf = () => new JobLog(store, SMALL_JOB, { clock, random: new Prng("log") });
  const records = async (): Promise<readonly LogRecord[]> => (await logOf().read()).records;
  const kinds = async () => (await records()).flatMap(({ events: of }) => of.map(({ kind }) => kind));
  const card = async () => decodeCard((await store.get(jobKeys(SMALL_JOB).card)).entry!);

  function start(
    options: Partial<DriveOptions> = {},
    ports: Partial<DrivePorts> = {},
    of = spec,
  ): Promise<Driven> {
    return driveJob(
      of,
      {
        store,
        outputs,
        clock,
        random: new Prng("drive"),
        muster: (request) => localCrew(clock, runner, request),
        readRows: async function* (blocks) {
          yield blocks.map(({ key }) => `row of ${key}`);
        },
        ...ports,
      },
      {
        owner: { node: nodeId("n"), host: "h", pid: 1 },
        leaseMs: LEASE_MS,
        isDead: () => false,
        signal: undefined,
        onEvent: (event) => events.push(event),
        incarnation: `drive ${incarnations++}`,
        workerLeaseMs: 60_000,
        checkInvariants: true,
        ...options,
      },
    );
  }
  /** The store, with some calls of the test's own. */
  const storeWith = (calls: Partial<ControlStore>): ControlStore => ({
    get: (key) => store.get(key),
    range: (...args) => store.range(...args),
    txn: (...args) => store.txn(...args),
    grantLease: (...args) => store.grantLease(...args),
    keepAlive: (...args) => store.keepAlive(...args),
    revokeLease: (...args) => store.revokeLease(...args),
    watch: (...args) => store.watch(...args),
    close: () => store.close(),
    ...calls,
  });
  const clockwise = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      clock.setTimer(ms, resolve);
    });
  /** Lets time pass until it is over. */
  async function patiently<T>(work: Promise<T>, stepMs = 100): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    work.then(end, end);
    for (let step = 0; !over; step++) {
      if (step > 10_000) throw new Error("it goes on and on");
      await clock.advance(stepMs);
    }
    return work;
  }
  const drive = (...request: Parameters<typeof start>): Promise<Driven> => patiently(start(...request));

  it("musters nobody where it was retired while it took the job over, and lets go of it", async () => {
    const retire = new AbortController();
    const slow = storeWith({
      txn: async (request) => {
        const result = await store.txn(request);
        retire.abort();
        return result;
      },
    });
    let mustered = 0;
    const muster: DrivePorts["muster"] = (request) => {
      mustered++;
      return localCrew(clock, runner, request);
    };
    const driven = drive({ retire: retire.signal }, { store: slow, muster });
    await expect(driven).rejects.toMatchObject({ code: "DRIVER_DEPOSED" });
    expect([mustered, await kinds()]).toEqual([0, ["submitted", "epochStarted"]]);
    expect((await store.get(jobKeys(SMALL_JOB).driver)).entry).toBeUndefined();
  });

  it("runs it to its end, says what happens, and gives the results", async () => {
    const driven = await drive();
    expect(driven.end).toEqual({ kind: "committed" });
    expect(driven.results).toEqual([{ kind: "rows", name: "result", rows: ["row of s1.p0.e1.a0"] }]);
    expect(driven.tasksResumed).toBe(0);
    expect(auditLog(await records())).toEqual([]);
    expect(events[0]).toEqual({
      kind: "started",
      job: SMALL_JOB,
      stages: [
        { id: 0, label: "map", tasks: 2 },
        { id: 1, label: "reduce", tasks: 1 },
      ],
      tasksResumed: 0,
    });
    expect(events.at(-1)).toMatchObject({ kind: "progress", progress: { tasksDone: 3, stage: "commit" } });
    expect((await card())?.end).toMatchObject({ kind: "committed", tasksDone: 3 });
    // Nothing is left behind: no lease, no timer, no owner.
    expect([clock.timers, (await logOf().read()).owner]).toEqual([0, undefined]);
  });

  it("gives a committed job's results again, without a new epoch, a task or a commit", async () => {
    await drive();
    const before = await records();
    const again = await drive();
    expect(again).toMatchObject({
      end: { kind: "committed" },
      results: [{ rows: ["row of s1.p0.e1.a0"] }],
      tasksResumed: 3,
    });
    expect(await records()).toEqual(before);
    expect(runner.begun).toHaveLength(3);
  });

  it("fails with the task's own error when its tries are used up, and goes on from there when it is resumed", async () => {
    runner.script = (attempt) => (attempt.startsWith("s0.p1") ? boom() : undefined);
    const failed = await drive();
    expect(failed).toMatchObject({ end: { kind: "failed", error: { message: "boom" } }, results: [] });
    expect(events.filter(({ kind }) => kind === "taskFailed")).toMatchObject([
      { stage: 0, partition: 1, tries: 1, triesMax: 2 },
      { tries: 2, retryInMs: undefined },
    ]);
    expect((await card())?.end).toMatchObject({ kind: "failed", tasksDone: 1 });
    runner.script = () => undefined;
    events = [];
    const resumed = await drive();
    expect([resumed.end.kind, resumed.tasksResumed]).toEqual(["committed", 1]);
    expect(events[0]).toMatchObject({ kind: "started", tasksResumed: 1 });
    // What was done is not done again.
    expect(runner.begun.filter((attempt) => attempt.startsWith("s0.p0"))).toEqual(["s0.p0.e1.a0"]);
    expect(auditLog(await records())).toEqual([]);
  });

  it("that was cancelled before it began says so in its log, and begins no task that it does not stop", async () => {
    runner.script = () => never;
    const driven = await drive({ signal: AbortSignal.abort("no more") });
    expect(driven.end).toEqual({ kind: "cancelled", reason: "no more" });
    expect(await kinds()).toEqual(["submitted", "epochStarted", "cancelled"]);
    expect(events).toContainEqual({ kind: "stopping", reason: "no more" });
    expect((await card())?.end).toMatchObject({ kind: "cancelled", tasksDone: 0 });
    expect(clock.timers).toBe(0);
  });

  it("is cancelled in its midst, keeps what was done, and no longer listens afterwards", async () => {
    const controller = new AbortController();
    runner.script = (attempt) => (attempt.startsWith("s0.p1") ? never : undefined);
    const work = start({ signal: controller.signal });
    await clock.advance(50);
    controller.abort(new Error("Ctrl-C"));
    expect((await patiently(work)).end).toEqual({ kind: "cancelled", reason: "Ctrl-C" });
    expect((await card())?.end).toMatchObject({ kind: "cancelled", tasksDone: 1 });
    runner.script = () => undefined;
    expect((await drive()).tasksResumed).toBe(1);
  });

  it("refuses to drive what another drives, until that one is gone", async () => {
    runner.script = () => never;
    const first = start();
    await clock.advance(50);
    await expect(drive()).rejects.toMatchObject({ code: "JOB_RUNNING" });
    runner.script = () => undefined;
    expect((await drive({ isDead: () => true })).end.kind).toBe("committed");
    // The first one notices with its lease or its next write, and says that it was deposed.
    runner.script = () => undefined;
    first.catch(() => {});
    expect(auditLog(await records())).toEqual([]);
  });

  it("says so when another took over", async () => {
    let release = (_: TaskOutcome): void => {};
    runner.script = (attempt) =>
      attempt === "s0.p0.e1.a0" ? new Promise((resolve) => (release = resolve)) : undefined;
    const first = start();
    await clock.advance(50);
    await drive({ isDead: () => true });
    release(boom(false));
    await expect(patiently(first)).rejects.toMatchObject({ code: "DRIVER_DEPOSED" });
    expect((await kinds()).filter((kind) => kind === "failed")).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it("that loses its lease to nobody takes over again and goes on with what is done", async () => {
    let renewals = true;
    const sleepy = storeWith({
      keepAlive: async (lease) => {
        if (renewals) return store.keepAlive(lease);
        throw new BicoastalError("STORE_UNAVAILABLE", "away", { details: { outcome: "failed" } });
      },
    });
    runner.script = (attempt) => (attempt === "s0.p1.e1.a0" ? never : undefined);
    const work = start({}, { store: sleepy });
    await clock.advance(3_000);
    renewals = false;
    await clock.advance(2 * LEASE_MS);
    renewals = true;
    const driven = await patiently(work);
    expect([driven.end.kind, driven.state.epoch]).toEqual(["committed", 2]);
    expect(runner.begun).toEqual(["s0.p0.e1.a0", "s0.p1.e1.a0", "s0.p1.e2.a0", "s1.p0.e2.a0"]);
    expect(events.filter(({ kind }) => kind === "started")).toMatchObject([
      { tasksResumed: 0 },
      { tasksResumed: 1 },
    ]);
    expect(auditLog(await records())).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  /** A driver whose lease ends, to nobody, for as long as the outputs are held back; what it did, in order. */
  async function losingItsLeaseBeforeOutputs(hold: "reading" | "showing"): Promise<readonly string[]> {
    let renewals = true;
    let goOn = (): void => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const did: string[] = [];
    const end = { kind: "write", format: "jsonl", directory: "/out", overwrite: true } as const;
    const written = smallSpec({ ends: [COLLECT_END, { name: "out", producers: [], end }] });
    outputs.commit = async () => {
      did.push("shows");
      if (hold === "showing") await held;
      did.push("has shown");
    };
    const sleepy = storeWith({
      keepAlive: async (lease) => {
        if (renewals) return store.keepAlive(lease);
        throw new BicoastalError("STORE_UNAVAILABLE", "away", { details: { outcome: "failed" } });
      },
    });
    const readRows: DrivePorts["readRows"] = async function* () {
      did.push("reads");
      if (hold === "reading") await held;
      yield [];
    };
    const work = start({}, { store: sleepy, readRows }, written);
    await clock.advance(3_000);
    renewals = false;
    await clock.advance(2 * LEASE_MS);
    renewals = true;
    await clock.advance(LEASE_MS);
    did.push("goes on");
    goOn();
    const driven = await patiently(work);
    expect(driven.end.kind).toBe("committed");
    expect(driven.state.epoch).toBeGreaterThan(1);
    expect(auditLog(await records())).toEqual([]);
    return did;
  }

  it("that loses its lease while it shows the outputs is done with that before it takes over again", async () => {
    expect(await losingItsLeaseBeforeOutputs("showing")).toEqual([
      ...["reads", "shows", "goes on", "has shown"],
      ...["reads", "shows", "has shown"],
    ]);
  });

  it("that loses its lease before it shows the outputs shows them only once it has taken over again", async () => {
    const did = await losingItsLeaseBeforeOutputs("reading");
    expect(did.filter((what) => what === "reads").length).toBeGreaterThan(1);
    expect(did.filter((what) => what !== "reads")).toEqual(["goes on", "shows", "has shown"]);
  });

  it("makes results again that are lost at the end, and says so", async () => {
    const driven = await drive(
      {},
      {
        readRows: async function* ([block]) {
          const { key } = block!;
          if (key === "s1.p0.e1.a0")
            throw new BicoastalError("BLOB_CORRUPT", "damaged", { details: { key } });
          yield [key];
        },
      },
    );
    expect(driven.results).toMatchObject([{ rows: ["s1.p0.e1.a1"] }]);
    expect(events).toContainEqual({ kind: "outputLost", stage: 1, partition: 0 });
    expect(auditLog(await records())).toEqual([]);
  });

  const lostKey = "s1.p0.e1.a0";
  const lostRows = (): never => {
    throw new BicoastalError("BLOB_MISSING", "gone", { details: { key: lostKey }, retryable: true });
  };

  it("that hears of its own commit only after its lease still has its results, though their blocks are lost by then", async () => {
    let answers = true;
    let reads = 0;
    const late = storeWith({
      keepAlive: async (lease) => {
        if (answers) return store.keepAlive(lease);
        throw new BicoastalError("STORE_UNAVAILABLE", "away", { details: { outcome: "failed" } });
      },
      txn: async (request) => {
        const done = await store.txn(request);
        const ends = request.success.some(
          (op) => op.kind === "delete" && op.key === jobKeys(SMALL_JOB).driver,
        );
        if (!ends) return done;
        answers = false;
        return await new Promise(() => {});
      },
    });
    const work = start(
      {},
      {
        store: late,
        readRows: async function* ([block]) {
          if (reads++ > 0) lostRows();
          yield [block!.key];
        },
      },
    );
    const driven = await patiently(work);
    expect(driven).toMatchObject({ end: { kind: "committed" }, results: [{ rows: [lostKey] }] });
    expect([reads, driven.state.epoch]).toEqual([1, 1]);
    expect(auditLog(await records())).toEqual([]);
  });

  it("says of a committed job whose results are lost what can be done: it makes nothing again", async () => {
    await drive();
    const before = runner.begun.length;
    await expect(drive({}, { readRows: lostRows })).rejects.toMatchObject({
      code: "BLOB_MISSING",
      message: `Job ${SMALL_JOB} has succeeded, and what it collected can no longer be read: ${lostKey} is lost. Run the job anew for its results; resuming it makes nothing again.`,
      retryable: false,
      details: { key: lostKey, job: SMALL_JOB },
    });
    expect(runner.begun).toHaveLength(before);
  });

  it("counts on its card what is done, less what is lost in the same record", async () => {
    let open = (): void => {};
    let gate = Promise.resolve();
    const slow = storeWith({ txn: (request) => gate.then(() => store.txn(request)) });
    const [map, reduce] = spec.stages;
    const wide = smallSpec({ stages: [map!, { ...reduce!, tasks: 2 }] });
    const controller = new AbortController();
    runner.script = (attempt, { assignment: { input } }) => {
      if (!attempt.startsWith("s1")) return undefined;
      if (attempt.startsWith("s1.p0")) {
        // Its completion is on its way for as long as the gate is shut.
        gate = new Promise((resolve) => {
          open = resolve;
        });
        return undefined;
      }
      const { key } = (input.kind === "blocks" ? input.sides[0]![0]!.blocks[0] : undefined)!;
      const { error } = boom() as Extract<TaskOutcome, { kind: "failed" }>;
      return clockwise(10).then(() => ({ kind: "failed", error, lostBlocks: [key] }));
    };
    const work = start({ signal: controller.signal }, { store: slow }, wide);
    await clock.advance(100);
    controller.abort("enough");
    open();
    const driven = await patiently(work);
    const last = (await records()).at(-1)!;
    expect(last.events.map(({ kind }) => kind)).toEqual(["outputLost", "cancelled"]);
    expect([...driven.state.outputs()]).toHaveLength(2);
    expect((await card())?.end).toMatchObject({ kind: "cancelled", tasksDone: 2 });
  });

  it("fails where the outputs cannot be shown, and shows them when it is resumed", async () => {
    const end = { kind: "write", format: "jsonl", directory: "/out", overwrite: false } as const;
    const written = smallSpec({ ends: [COLLECT_END, { name: "out", producers: [], end }] });
    outputs.makeForeign("/out", { "mine.txt": Buffer.from("x") });
    const failed = await drive({}, {}, written);
    expect(failed.end).toMatchObject({ kind: "failed", error: { code: "OUTPUT_EXISTS" } });
    outputs.directories.delete("/out");
    const begun = runner.begun.length;
    expect(await drive({}, {}, written)).toMatchObject({
      end: { kind: "committed" },
      results: [{ kind: "rows" }, { kind: "written", directory: "/out", files: 0 }],
    });
    expect([runner.begun.length, outputs.directories.has("/out")]).toEqual([begun, true]);
  });

  it("takes the job over once more, above an epoch that a worker has followed and the store does not know", async () => {
    const muster: DrivePorts["muster"] = (request) => {
      const crew = localCrew(clock, runner, request);
      if (request.term.epoch > 1) return crew;
      const { receive } = crew.transport;
      const terms = [{ epoch: epoch(7), holder: "forgotten" }];
      const heard: Crew["transport"]["receive"] = (handler) =>
        receive((from, message) => handler(from, message.kind === "poll" ? { ...message, terms } : message));
      return { ...crew, transport: { ...crew.transport, receive: heard } };
    };
    const driven = await drive({}, { muster });
    expect(driven.end).toEqual({ kind: "committed" });
    const started = (await records()).flatMap(({ events: of }) =>
      of.flatMap((event) => (event.kind === "epochStarted" ? event.epoch : [])),
    );
    expect(started).toEqual([1, 8]);
    expect(auditLog(await records())).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it("ends with a bug of ours as it is, and leaves the log as it was", async () => {
    const readRows = (): never => {
      throw new TypeError("a bug");
    };
    await expect(drive({}, { readRows })).rejects.toThrow(new TypeError("a bug"));
    expect((await kinds()).at(-1)).toBe("taskCompleted");
    expect(clock.timers).toBe(0);
  });

  it("knows no job that was never submitted, and drives none whose log is not its own", async () => {
    await expect(drive({}, {}, smallSpec({ id: "other" as never }))).rejects.toMatchObject({
      code: "JOB_NOT_FOUND",
    });
    await drive();
    const [map] = spec.stages;
    const smaller = smallSpec({ stages: [{ ...map!, tasks: 1 }] });
    await expect(drive({}, {}, smaller)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});
