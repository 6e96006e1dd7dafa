/** Opening what is not, or no longer, a store; and clocks that are set. */
import { mkdtemp, open as openFile, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { apply, ManualClock, put } from "../../ports/control-store.contract.ts";
import { type ControlStore, prefixEnd } from "../../ports/control-store.ts";
import { storeError } from "./errors.ts";
import { openLmdbControlStore } from "./store.ts";

let directory: string;
let clock: ManualClock;
const stores: ControlStore[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "bicoastal-store-"));
  clock = new ManualClock();
});
afterEach(async () => {
  await closeAll();
  await rm(directory, { recursive: true, force: true });
});

const open = async (path = directory, by: ManualClock = clock): Promise<ControlStore> => {
  const store = await openLmdbControlStore({ directory: path, clock: by });
  stores.push(store);
  return store;
};
const closeAll = async (): Promise<void> => {
  for (const store of stores.splice(0)) await store.close();
};
const dataFile = (): string => join(directory, "data.mdb");

describe("opening a directory", () => {
  test("makes it, and those above it", async () => {
    const path = join(directory, "a.b", "c d", "\u{1f600}");
    await apply(await open(path), put("k", "1"));
    await closeAll();
    expect((await (await open(path)).get("k")).entry).toMatchObject({ version: 1 });
  });

  test("by two paths in one process is one store", async () => {
    const first = await open(directory);
    const second = await open(join(directory, ".", "..", directory.split("/").at(-1) as string));
    await apply(first, put("k", "1"));
    await first.close();
    expect((await second.get("k")).entry).toMatchObject({ version: 1 });
  });

  test("that is a file, or lies below one, says so", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    for (const path of [file, join(file, "below")]) {
      const error = await open(path).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: "STORE_UNAVAILABLE",
        message: expect.stringMatching(/is a file.*--data-dir/s),
        details: { directory: path, outcome: "failed" },
      });
    }
  });

  test("whose data file is empty makes a new store", async () => {
    await writeFile(dataFile(), "");
    expect((await (await open()).range("", prefixEnd(""))).entries).toEqual([]);
  });
});

describe("a damaged store", () => {
  const corrupt = () =>
    expect.objectContaining({
      code: "STORE_CORRUPT",
      message: expect.stringContaining(directory),
      details: { directory, outcome: "failed" },
    });
  const fill = async (): Promise<void> => {
    const store = await open();
    for (let i = 0; i < 100; i++) await apply(store, put(`k${i}`, `value ${i} `.repeat(500)));
    await closeAll();
  };

  test.each([
    ["rubbish", Buffer.alloc(50_000, "rubbish ")],
    ["zeros", Buffer.alloc(50_000)],
    ["a few bytes", Buffer.from("hello")],
  ])("that holds %s is refused and left alone", async (_, bytes) => {
    await writeFile(dataFile(), bytes);
    await expect(open()).rejects.toEqual(corrupt());
    expect((await readFile(dataFile())).equals(bytes)).toBe(true);
  });

  test.each([0.1, 0.5, 0.9])("that was cut off at %d of its length is refused", async (part) => {
    await fill();
    const { length } = await readFile(dataFile());
    await truncate(dataFile(), Math.floor(length * part));
    await expect(open()).rejects.toEqual(corrupt());
  });

  test("with a changed byte in a value does not hand it out", async () => {
    await fill();
    const bytes = await readFile(dataFile());
    const file = await openFile(dataFile(), "r+");
    for (let at = bytes.indexOf("value 42 "); at !== -1; at = bytes.indexOf("value 42 ", at + 1))
      await file.write("V", at);
    await file.close();
    const store = await open();
    expect((await store.get("k41")).entry).toBeDefined();
    await expect(store.get("k42")).rejects.toEqual(corrupt());
    await expect(store.range("", prefixEnd(""))).rejects.toEqual(corrupt());
    await expect(apply(store, { kind: "get", key: "k42" })).rejects.toEqual(corrupt());
  });

  test("ends its watches with the reason", async () => {
    await fill();
    const bytes = await readFile(dataFile());
    const file = await openFile(dataFile(), "r+");
    for (let at = bytes.indexOf("value 42 "); at !== -1; at = bytes.indexOf("value 42 ", at + 1))
      await file.write("V", at);
    await file.close();
    const store = await open();
    const kinds: string[] = [];
    store.watch({ from: "", to: prefixEnd(""), fromRevision: 2 }, ({ kind }) => void kinds.push(kind));
    await clock.advance(500);
    expect(kinds.at(-1)).toBe("failed");
    expect(kinds.filter((kind) => kind === "failed")).toHaveLength(1);
  });
});

describe("reports of LMDB and the system", () => {
  const report = (code: number | string) => Object.assign(new Error("it went wrong"), { code });
  test.each([
    [28, "DISK_FULL"],
    [122, "DISK_FULL"],
    ["ENOSPC", "DISK_FULL"],
    [-30792, "DISK_FULL"],
    [-30796, "STORE_CORRUPT"],
    [-30793, "STORE_CORRUPT"],
    [5, "STORE_UNAVAILABLE"],
    [-30794, "STORE_UNAVAILABLE"],
  ])("%s is %s", (code, expected) => {
    expect(storeError(report(code), "/d", "unknown")).toMatchObject({ code: expected });
  });

  test("an error of the disk while committing leaves the outcome open", () => {
    expect(storeError(report(5), "/d", "unknown")).toMatchObject({ details: { outcome: "unknown" } });
  });

  test("a bug is not dressed up", () => {
    const bug = new TypeError("x is not a function");
    expect(storeError(bug, "/d", "failed")).toBe(bug);
  });
});

describe("leases when the wall clock is set", () => {
  const DAY_MS = 86_400_000;
  const isHeld = async (store: ControlStore): Promise<boolean> =>
    (await store.get("held")).entry !== undefined;
  const hold = async (store: ControlStore): Promise<string> => {
    const lease = await store.grantLease(10_000);
    await apply(store, put("held", "", lease));
    return lease;
  };

  test("forward, live on for their time at least", async () => {
    const store = await open();
    const lease = await hold(store);
    await clock.advance(4_000);
    clock.jump(DAY_MS);
    expect(await isHeld(store)).toBe(true);
    await clock.advance(5_000);
    expect(await isHeld(store)).toBe(true);
    expect(await store.keepAlive(lease)).toBe(true);
    await clock.advance(20_001);
    expect(await isHeld(store)).toBe(false);
  });

  test("forward, still end if they were over before", async () => {
    const store = await open();
    await hold(store);
    await closeAll();
    await clock.advance(11_000);
    const other = await open();
    clock.jump(DAY_MS);
    expect(await isHeld(other)).toBe(false);
  });

  test("forward, with several stores open, end after their time all the same", async () => {
    const stores = [await open(), await open(), await open()];
    await hold(stores[0]!);
    await clock.advance(9_000);
    clock.jump(DAY_MS);
    for (const store of stores) expect(await isHeld(store)).toBe(true);
    await clock.advance(10_001);
    for (const store of stores) expect(await isHeld(store)).toBe(false);
  });

  test("back, end no later than their time from then", async () => {
    const store = await open();
    await hold(store);
    await clock.advance(5_000);
    clock.jump(-DAY_MS);
    expect(await isHeld(store)).toBe(true);
    await clock.advance(10_001);
    expect(await isHeld(store)).toBe(false);
  });

  test("back, while no store was open, end as well", async () => {
    await hold(await open());
    await closeAll();
    clock.jump(-DAY_MS);
    const store = await open();
    expect(await isHeld(store)).toBe(true);
    await clock.advance(10_001);
    expect(await isHeld(store)).toBe(false);
  });
});

describe("timers", () => {
  test("are there only while there is something to wait for", async () => {
    const store = await open();
    await apply(store, put("k"));
    expect(clock.timers).toBe(0);
    const watch = store.watch({ from: "a", to: "z" }, () => {});
    await clock.advance(500);
    expect(clock.timers).toBe(1);
    watch.close();
    await clock.advance(500);
    expect(clock.timers).toBe(0);
    await store.grantLease(5_000);
    expect(clock.timers).toBe(1);
    await clock.advance(10_000);
    expect(clock.timers).toBe(0);
    await store.grantLease(5_000);
    await store.close();
    expect(clock.timers).toBe(0);
  });
});
