import { beforeEach, describe, expect, it } from "vitest";
import { contentHash, epoch, type JobId, jobId, nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { ManualClock } from "../ports/control-store.contract.ts";
import { encodeJson } from "../protocol/codec.ts";
import type { EndShape, JobSpec } from "../protocol/job-spec.ts";
import type { LogEvent } from "../protocol/log-event.ts";
import { attemptOf, COLLECT_END, completionOf, smallSpec } from "../sim/jobs/small-job.ts";
import { createMemoryBlobs } from "../sim/ports/memory-blobs.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../sim/ports/memory-control-store.ts";
import { MemoryOutputs } from "../sim/ports/memory-outputs.ts";
import { outputTargets } from "./commit.ts";
import { cardOf } from "./drive-job.ts";
import { JobBoard } from "./job-board.ts";
import { blobKeys, jobKeys } from "./job-keys.ts";
import { type DriverOwner, type JobCard, JobLog } from "./job-log.ts";
import { jobsThatSetAside } from "./set-aside.ts";

const OWNER: DriverOwner = { node: nodeId("n"), host: "h", pid: 7 };
const LEASE_MS = 5_000;
const OUT: EndShape = {
  name: "out",
  producers: [],
  end: { kind: "write", format: "jsonl", directory: "/out", overwrite: false },
};
const [A, B, REDUCE] = [attemptOf(0, 0), attemptOf(0, 1), attemptOf(1, 0)];
const ERROR = { code: "USER_FUNCTION", message: "boom", retryable: true, details: {} } as const;

describe("the board of jobs", () => {
  let clock: ManualClock;
  let store: MemoryControlStore;
  let blobs: ReturnType<typeof createMemoryBlobs>;
  let outputs: MemoryOutputs;
  let dead: boolean;
  let board: JobBoard;
  beforeEach(() => {
    clock = new ManualClock();
    store = new MemoryControlStore(new MemoryStoreBackend(clock));
    blobs = createMemoryBlobs();
    outputs = new MemoryOutputs();
    dead = false;
    const timing = { clock, random: new Prng("board") };
    board = new JobBoard({ store, blobs, outputs, timing, isDead: () => dead });
  });

  const specOf = (name: string, submittedAtMs = 1_000): JobSpec => {
    const constants = { seed: "s", submittedAtMs, bundle: contentHash("0") };
    return smallSpec({ id: jobId(name), name, constants, ends: [COLLECT_END, OUT] });
  };
  const logOf = (id: JobId): JobLog => new JobLog(store, id, { clock, random: new Prng("log") });

  async function submit(spec: JobSpec): Promise<JobId> {
    await blobs.put(blobKeys(spec.id).spec, encodeJson(spec));
    await logOf(spec.id).submit(contentHash("1"), cardOf(spec, undefined));
    return spec.id;
  }
  /** Somebody takes the job over and logs these events; a card is written where they end it. */
  async function drive(spec: JobSpec, ...events: readonly LogEvent[]): Promise<void> {
    const log = logOf(spec.id);
    const lease = await store.grantLease(LEASE_MS);
    const card = cardOf(spec, undefined);
    const taken = await log.takeOver({
      owner: OWNER,
      lease,
      card,
      wallMs: 0,
      holder: lease,
      isDead: () => true,
    });
    const end = events.at(-1);
    const tasksDone = events.filter(({ kind }) => kind === "taskCompleted").length;
    const ended: JobCard["end"] =
      end?.kind === "committed" || end?.kind === "failed" || end?.kind === "cancelled"
        ? { kind: end.kind, atMs: end.atMs, tasksDone }
        : undefined;
    if (events.length === 0) return;
    const record = { version: 1, seq: taken!.records.length, epoch: taken!.epoch, events } as const;
    await log.append(record, taken!.term, ended === undefined ? undefined : cardOf(spec, ended));
  }
  const damage = (key: string) =>
    store.txn({ compare: [], success: [{ kind: "put", key, value: Buffer.from("?") }] });

  it("is empty at first, and knows no job", async () => {
    expect(await board.list()).toEqual([]);
    for (const id of ["job", "", "../job", "job/log"])
      await expect(board.read(id)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    await expect(board.remove("job")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  });

  const ends: readonly (readonly [string, readonly LogEvent[], Record<string, unknown>])[] = [
    ["running", [], { state: "running", tasksDone: 0, endedAtMs: undefined }],
    ["running", [completionOf(A)], { state: "running", tasksDone: 1, endedAtMs: undefined }],
    [
      "failed",
      [completionOf(A), { kind: "failed", atMs: 9, attempt: B, error: ERROR }],
      { state: "failed", tasksDone: 1, endedAtMs: 9 },
    ],
    [
      "cancelled",
      [{ kind: "cancelled", atMs: 8, reason: "Ctrl-C" }],
      { state: "cancelled", tasksDone: 0, endedAtMs: 8 },
    ],
    [
      "committed",
      [completionOf(A), completionOf(B), completionOf(REDUCE), { kind: "committed", atMs: 7 }],
      { state: "succeeded", tasksDone: 3, endedAtMs: 7 },
    ],
  ];
  it.each(ends)("shows a %s job the same in the list and alone", async (_, events, expected) => {
    const spec = specOf("job");
    await submit(spec);
    await drive(spec, ...events);
    const [listed] = await board.list();
    expect(listed).toMatchObject({
      job: "job",
      name: "job",
      submittedAtMs: 1_000,
      tasksTotal: 3,
      ...expected,
    });
    expect(await board.read("job")).toMatchObject({ ...listed });
  });

  it("calls a job interrupted that nobody drives: not yet, no more, or a dead process", async () => {
    const spec = specOf("job");
    await submit(spec);
    const state = async () => [(await board.read("job")).state, (await board.list())[0]?.state];
    expect(await state()).toEqual(["interrupted", "interrupted"]);
    await drive(spec);
    expect(await state()).toEqual(["running", "running"]);
    dead = true;
    expect(await state()).toEqual(["interrupted", "interrupted"]);
    dead = false;
    await clock.advance(LEASE_MS);
    expect(await state()).toEqual(["interrupted", "interrupted"]);
  });

  it("shows a job's params, stages, counters, error, and how often it was taken over", async () => {
    const spec = specOf("job");
    await submit(spec);
    await drive(spec, completionOf(A, { counters: { z: 1, a: 2 } }), completionOf(B, { counters: { a: 3 } }));
    await drive(
      spec,
      { kind: "outputLost", attempt: B },
      { kind: "failed", atMs: 9, attempt: B, error: ERROR },
    );
    expect(await board.read("job")).toEqual({
      job: "job",
      name: "job",
      state: "failed",
      submittedAtMs: 1_000,
      endedAtMs: 9,
      tasksDone: 1,
      tasksTotal: 3,
      params: { input: "a.txt" },
      epochs: epoch(2),
      stages: [
        { label: "map", tasks: 2, tasksDone: 1 },
        { label: "reduce", tasks: 1, tasksDone: 0 },
      ],
      // Of effective attempts only, by name.
      counters: { a: 2, z: 1 },
      error: ERROR,
      setAside: [],
    });
  });

  it("shows which nodes the job's driver has set aside, as long as somebody drives it", async () => {
    const spec = specOf("job");
    const progress = { kind: "put", key: jobKeys(spec.id).progress } as const;
    await submit(spec);
    await drive(spec);
    expect((await board.read("job")).setAside).toEqual([]);
    const told = encodeJson({ tasksDone: 1, setAside: ["n1", "n2"] });
    await store.txn({ compare: [], success: [{ ...progress, value: told }] });
    expect((await board.read("job")).setAside).toEqual(["n1", "n2"]);
    expect([...(await jobsThatSetAside(store))]).toEqual([
      ["n1", ["job"]],
      ["n2", ["job"]],
    ]);
    dead = true;
    expect((await board.read("job")).setAside).toEqual([]);
    await damage(progress.key);
    expect([...(await jobsThatSetAside(store))]).toEqual([]);
  });

  it("lists the newest first, and of one moment by id", async () => {
    for (const [name, atMs] of [
      ["b", 1],
      ["c", 2],
      ["a", 1],
    ] as const)
      await submit(specOf(name, atMs));
    expect((await board.list()).map(({ job }) => job)).toEqual(["c", "a", "b"]);
  });

  it("removes a job with all it holds, and nothing of another whose name begins alike", async () => {
    const [spec, other] = [specOf("job"), specOf("job2")];
    for (const of of [spec, other]) {
      await submit(of);
      await drive(of, { kind: "cancelled", atMs: 8, reason: "Ctrl-C" });
      await blobs.put(`${blobKeys(of.id).blocks}s0.p0`, Buffer.from("x"));
      const writer = outputs.create(outputTargets(of)[0]!, "staged.jsonl");
      await writer.close();
    }
    await board.remove("job");
    expect((await board.list()).map(({ job }) => job)).toEqual(["job2"]);
    expect([...blobs.blobs.keys()].sort()).toEqual(["jobs/job2/blocks/s0.p0", "jobs/job2/spec.json"]);
    expect(outputs.staging).toEqual(["job2.1"]);
    const { entries } = await store.range("", "\u{10ffff}");
    expect(entries.filter(({ key }) => /^(jobs|cards)\/job(\/|$)/.test(key))).toEqual([]);
    await expect(board.remove("job")).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    expect((await board.read("job2")).state).toBe("cancelled");
  });

  it("removes no job that runs, and one that nobody drives any more", async () => {
    const spec = specOf("job");
    await submit(spec);
    await drive(spec);
    await expect(board.remove("job")).rejects.toMatchObject({ code: "JOB_RUNNING", details: { job: "job" } });
    expect(await board.list()).toHaveLength(1);
    await clock.advance(LEASE_MS);
    await board.remove("job");
    expect(await board.list()).toEqual([]);
  });

  it("removes no job that is resumed at that very moment", async () => {
    const spec = specOf("job");
    await submit(spec);
    const discard = outputs.discard.bind(outputs);
    outputs.discard = async (target) => {
      await drive(spec);
      await discard(target);
    };
    await expect(board.remove("job")).rejects.toMatchObject({ code: "JOB_RUNNING" });
    expect((await board.read("job")).state).toBe("running");
  });

  describe("with a damaged job", () => {
    const keys = jobKeys(jobId("job"));
    const damages: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["log", () => damage(keys.log(1))],
      ["epoch", () => damage(keys.epoch)],
      ["spec", async () => void blobs.blobs.set(blobKeys(jobId("job")).spec, Buffer.from("{}"))],
    ];
    beforeEach(async () => {
      for (const name of ["job", "sound"]) await submit(specOf(name));
      await drive(specOf("job"));
    });

    it.each(damages)("still lists all, and says what is wrong with it: its %s", async (_, harm) => {
      await harm();
      expect((await board.list()).map(({ job, state }) => `${job} ${state}`)).toEqual([
        "job interrupted",
        "sound interrupted",
      ]);
      await expect(board.read("job")).rejects.toMatchObject({ code: "STORE_CORRUPT" });
      expect((await board.read("sound")).state).toBe("interrupted");
    });

    it.each(damages)("removes it, but not while somebody may drive it: its %s", async (_, harm) => {
      await harm();
      await expect(board.remove("job")).rejects.toMatchObject({ code: "JOB_RUNNING" });
      dead = true;
      await board.remove("job");
      expect((await board.list()).map(({ job }) => job)).toEqual(["sound"]);
    });

    it("does without its card", async () => {
      await damage(keys.card);
      expect(await board.list()).toMatchObject([
        { job: "job", name: "job", state: "running" },
        { job: "sound" },
      ]);
    });

    it("removes one whose spec is gone", async () => {
      await blobs.deleteAll(blobKeys(jobId("job")).prefix);
      await clock.advance(LEASE_MS);
      await board.remove("job");
      await expect(logOf(jobId("job")).read()).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
    });
  });
});
