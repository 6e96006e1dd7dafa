/** Every fault at every request of a commit, and every way in which two drivers can come to commit at once. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import type { CommittedFile, Outputs, OutputTarget } from "../../ports/outputs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import { createS3Inputs } from "./inputs.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { type Objects, ObjectsError } from "./objects.ts";
import { MANIFEST_NAME } from "./output-names.ts";
import { createS3Outputs } from "./outputs.ts";

const room = mkdtempSync(join(tmpdir(), "bicoastal-s3-"));
afterAll(() => rmSync(room, { recursive: true, force: true }));

const bucket = "b";
const directory = "s3://b/data/out";
const targetOf = (job: string, overwrite: boolean): OutputTarget => ({
  job: jobId(job),
  endIndex: 0,
  directory,
  overwrite,
});
const outputsOn = (objects: Objects): Outputs =>
  createS3Outputs(createFileScratch(room), async () => objects);

let store: MemoryObjects;
beforeEach(() => {
  store = new MemoryObjects();
});

/** Two files of one set of attempts; their text says whose. */
async function stage(target: OutputTarget, attempt: string, label: string): Promise<CommittedFile[]> {
  const files: CommittedFile[] = [];
  for (const index of [0, 1]) {
    const writer = outputsOn(store).create(target, `s0.p0000${index}.${attempt}.k0.txt`);
    writer.append(Buffer.from(`${label}${index}`));
    files.push({ staged: await writer.close(), name: `part-0000${index}.txt`, bytes: writer.bytes });
  }
  return files;
}

/** What somebody reads there: texts of the files in order, or the code of the error. */
async function look(): Promise<string> {
  const inputs = createS3Inputs(async () => store);
  try {
    const texts: string[] = [];
    for (const file of await inputs.list([directory])) {
      const reader = await inputs.open(file);
      const target = new Uint8Array(reader.bytes);
      await reader.readAt(0, target);
      reader.close();
      texts.push(Buffer.from(target).toString());
    }
    return texts.join(" ");
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** The names that stand there, and the uploads that hang. */
const leftovers = (label: string): readonly string[] => {
  const named = JSON.parse(Buffer.from(store.kept.get(`data/out/${MANIFEST_NAME}`)!.bytes).toString());
  const known = named.files.map(({ name }: { name: string }) => `data/out/${name}`);
  const strays = [...store.kept.keys()].filter((key) => !known.includes(key) && !key.endsWith(MANIFEST_NAME));
  expect(known.length, label).toBe(2);
  return [...strays, ...[...store.begun.values()].map(({ key }) => `upload ${key}`)];
};

type Step = (name: string, act: () => unknown) => unknown;

/** All requests go through `step`; of listings each page. */
function through(step: Step): Objects {
  const pages = async function* (name: string, all: AsyncIterable<unknown>) {
    const rest = all[Symbol.asyncIterator]();
    for (;;) {
      const next = (await step(name, () => rest.next())) as IteratorResult<unknown>;
      if (next.done === true) return;
      yield next.value;
    }
  };
  return new Proxy(store, {
    get(target, name: keyof Objects) {
      const method = target[name] as ((...args: unknown[]) => unknown) | undefined;
      // A promise that resolves to it asks for `then`.
      if (method === undefined) return undefined;
      return (...args: unknown[]) => {
        if (name === "list" || name === "uploads")
          return pages(name, method.apply(target, args) as AsyncIterable<unknown>);
        return step(name, () => method.apply(target, args));
      };
    },
  }) as unknown as Objects;
}

const lost = () => new ObjectsError("passing", "the line went dead");
type Fault = "before" | "after" | "answer lost";

/**
 * Fails at the nth request: "before" and "after" it and for good, as a process that dies; or only its answer is lost.
 * After each request somebody looks.
 */
function faultyAt(nth: number, fault: Fault, seen: (what: string) => void): Objects {
  let count = 0;
  return through(async (_, act) => {
    count++;
    const dead = fault !== "answer lost" && count > nth;
    if (dead || (count === nth && fault === "before")) throw lost();
    const result = await act();
    seen(await look());
    if (count === nth) throw lost();
    return result;
  });
}

const isOver = async (commit: Promise<void>): Promise<boolean> => commit.then(() => true).catch(() => false);

describe.each([
  ["a new output", false],
  ["one that replaces another", true],
])("committing %s", (_, replaces) => {
  const old = replaces ? "old0 old1" : "INPUT_NOT_FOUND";
  const prepare = async () => {
    store = new MemoryObjects();
    if (replaces) {
      const before = targetOf("job-a", false);
      await outputsOn(store).commit(before, await stage(before, "e1.a0", "old"));
    }
    const target = targetOf("job-b", replaces);
    const files = await stage(target, "e1.a0", "new");
    await stage(target, "e1.a1", "loser");
    await outputsOn(store).create(target, "s0.p00007.e1.a0.k0.txt").close();
    return { target, files };
  };

  test.each(["before", "after", "answer lost"] as const)(
    "shows all or nothing, and is completed later, with a fault at any request (%s)",
    async (fault) => {
      const looks = new Set<string>();
      for (let nth = 1; ; nth++) {
        const { target, files } = await prepare();
        const faulty = faultyAt(nth, fault, (what) => void looks.add(what));
        const over = await isOver(outputsOn(faulty).commit(target, files));
        looks.add(await look());
        await outputsOn(store).commit(target, files);
        expect(await look()).toBe("new0 new1");
        expect(leftovers(`${fault} ${nth}`)).toEqual([]);
        if (over && fault !== "answer lost") {
          expect(nth).toBeGreaterThan(12);
          break;
        }
        if (nth === 40) break;
      }
      expect([...looks].sort()).toEqual([old, "new0 new1"].sort());
    },
  );

  test("discarding after a crash at any request leaves what was there, or the new output", async () => {
    const seen = new Set<string>();
    for (let nth = 1, over = false; !over; nth++) {
      const { target, files } = await prepare();
      over = await isOver(outputsOn(faultyAt(nth, "after", () => {})).commit(target, files));
      await outputsOn(store).discard(target);
      await outputsOn(store).discard(target);
      seen.add(await look());
      expect([...store.begun]).toEqual([]);
      const ours = [...store.kept.keys()].filter((key) => key.includes("job-b"));
      expect(ours.length === 0 || ours.length === 2, ours.join()).toBe(true);
    }
    expect([...seen].sort()).toEqual([old, "new0 new1"].sort());
  });

  test("two drivers with other attempts commit one of both, however they take turns", async () => {
    const seen = new Set<string>();
    for (let first = 0; first < 24; first++) {
      for (let second = 0; second < 24; second += 2) {
        const { target, files } = await prepare();
        const others = await stage(target, "e2.a0", "other");
        const turns = `${first}/${second}`;
        await takeTurns(
          first,
          second,
          (objects) => outputsOn(objects).commit(target, files),
          (objects) => outputsOn(objects).commit(target, others),
        );
        seen.add(await look());
        expect(leftovers(turns)).toEqual([]);
      }
    }
    expect([...seen].sort()).toEqual(["new0 new1", "other0 other1"]);
  });
});

/** One driver makes so many requests and pauses; the other makes so many, and pauses; the first ends, then the other. */
async function takeTurns(
  first: number,
  second: number,
  one: (objects: Objects) => Promise<void>,
  other: (objects: Objects) => Promise<void>,
): Promise<readonly PromiseSettledResult<void>[]> {
  const [zombie, successor] = [gateAt(first), gateAt(second)];
  const begun = one(through(zombie.step));
  await Promise.race([zombie.reached, begun.catch(() => {})]);
  const later = other(through(successor.step));
  await Promise.race([successor.reached, later.catch(() => {})]);
  zombie.open();
  await begun.catch(() => {});
  successor.open();
  return Promise.allSettled([begun, later]);
}

function gateAt(nth: number) {
  let count = 0;
  let open = () => {};
  let arrive = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const step: Step = async (_, act) => {
    if (++count > nth) {
      arrive();
      await opened;
    }
    return act();
  };
  return { step, open, reached };
}

describe("two jobs that write to one place", () => {
  test("one of them wins, and the other says so", async () => {
    const seen = new Set<string>();
    for (let first = 0; first < 16; first++) {
      for (let second = 0; second < 16; second += 3) {
        store = new MemoryObjects();
        const [a, b] = [targetOf("job-a", false), targetOf("job-b", false)];
        const [filesA, filesB] = [await stage(a, "e1.a0", "a"), await stage(b, "e1.a0", "b")];
        const results = await takeTurns(
          first,
          second,
          (objects) => outputsOn(objects).commit(a, filesA),
          (objects) => outputsOn(objects).commit(b, filesB),
        );
        const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
        expect(failures).toEqual([expect.objectContaining({ code: "OUTPUT_EXISTS" })]);
        const won = results[0]!.status === "fulfilled" ? "a" : "b";
        expect(await look()).toBe(`${won}0 ${won}1`);
        await outputsOn(store).discard(won === "a" ? b : a);
        expect(leftovers(won)).toEqual([]);
        seen.add(won);
      }
    }
    expect([...seen].sort()).toEqual(["a", "b"]);
  });

  test("a job that was replaced already is done, and touches nothing", async () => {
    const [a, b] = [targetOf("job-a", false), targetOf("job-b", true)];
    const filesA = await stage(a, "e1.a0", "a");
    await outputsOn(store).commit(a, filesA);
    await outputsOn(store).commit(b, await stage(b, "e1.a0", "b"));
    await outputsOn(store).commit({ ...a, overwrite: true }, filesA);
    await outputsOn(store).discard(a);
    expect(await look()).toBe("b0 b1");
    expect(leftovers("replaced")).toEqual([]);
  });
});

test("an output has the order of the result, and names no part twice", async () => {
  const target = targetOf("job-a", false);
  await outputsOn(store).commit(target, await stage(target, "e1.a0", "x"));
  const text = Buffer.from(store.kept.get(`data/out/${MANIFEST_NAME}`)!.bytes).toString();
  expect(JSON.parse(text)).toEqual({
    version: 1,
    job: "job-a",
    endIndex: 0,
    files: [0, 1].map((index) => ({
      name: `bicoastal-job-a.0.s0.p0000${index}.e1.a0.k0.txt`,
      part: `part-0000${index}.txt`,
      bytes: 2,
    })),
  });
});

test("refuses a bucket as a whole, a manifest that is none, and a place that it may not write", async () => {
  for (const whole of ["s3://", "s3://b", "s3://b/"]) {
    const refused = outputsOn(store).check({ ...targetOf("job-a", true), directory: whole });
    await expect(refused).rejects.toMatchObject({
      code: "OUTPUT_FAILED",
      message: expect.stringContaining("prefix"),
    });
  }
  store.put(`data/out/${MANIFEST_NAME}`, Buffer.from("{}"));
  await expect(outputsOn(store).check(targetOf("job-a", true))).rejects.toMatchObject({
    code: "OUTPUT_FAILED",
    message: expect.stringContaining(MANIFEST_NAME),
  });
  store = new MemoryObjects();
  const denied = through(async (name, act) => {
    if (name === "startUpload") throw new ObjectsError("denied", "AccessDenied");
    return act();
  });
  await expect(outputsOn(denied).check(targetOf("job-a", false))).rejects.toMatchObject({
    code: "OUTPUT_FAILED",
    retryable: false,
    message: expect.stringContaining("s3:PutObject"),
    details: { bucket, key: "data/out" },
  });
});

test("a file that cannot be uploaded leaves no upload behind, and says that it may be tried again", async () => {
  const target = targetOf("job-a", false);
  const cut = through(async (name, act) => {
    if (name === "uploadPart") throw lost();
    return act();
  });
  const writer = outputsOn(cut).create(target, "s0.p00000.e1.a0.k0.txt");
  writer.append(Buffer.from("x"));
  await expect(writer.close()).rejects.toMatchObject({ code: "OUTPUT_FAILED", retryable: true });
  expect([...store.begun]).toEqual([]);
});
