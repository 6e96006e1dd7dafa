import { beforeEach, describe, expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { type ContentHash, contentHash } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { ManualClock } from "../../ports/control-store.contract.ts";
import { encodeJson } from "../../protocol/codec.ts";
import { smallSpec } from "../../sim/jobs/small-job.ts";
import { createMemoryBlobs, type MemoryBlobs } from "../../sim/ports/memory-blobs.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../../sim/ports/memory-control-store.ts";
import { cardOf } from "../drive-job.ts";
import { jobKeys } from "../job-keys.ts";
import { JobLog } from "../job-log.ts";
import { bundleKey, resultsKey, specKey } from "./fetch-job.ts";
import { GRACE_MS, SharedSweep } from "./shared-sweep.ts";

const SPEC = contentHash("1".repeat(64));
const OTHER = contentHash("2".repeat(64));
const RESULTS = contentHash("3".repeat(64));
const spec = smallSpec();
const { bundle } = spec.constants;

describe("blobs that jobs share", () => {
  let clock: ManualClock;
  let store: MemoryControlStore;
  let blobs: MemoryBlobs;
  let sweep: SharedSweep;
  /** The spec as another node has it. */
  let elsewhere: Uint8Array | undefined;
  const readSpec = async (hash: ContentHash): Promise<Uint8Array> => {
    const bytes = await blobs.get(specKey(hash));
    if (Buffer.compare(bytes, encodeJson(spec)) === 0) return bytes;
    if (elsewhere === undefined) throw new BicoastalError("BLOB_MISSING", "nobody has it", { details: {} });
    await blobs.put(specKey(hash), elsewhere);
    return elsewhere;
  };
  const log = (): JobLog => new JobLog(store, spec.id, { clock, random: new Prng("sweep") });
  const put = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys)
      await blobs.put(key, key === specKey(SPEC) ? encodeJson(spec) : new Uint8Array(1));
  };
  const submit = (hash: ContentHash): Promise<void> => log().submit(hash, cardOf(spec, undefined));
  const sweepAfterGrace = async (): Promise<readonly string[]> => {
    await sweep.sweep();
    await clock.advance(GRACE_MS);
    return await sweep.sweep();
  };

  beforeEach(() => {
    clock = new ManualClock();
    store = new MemoryControlStore(new MemoryStoreBackend(clock));
    blobs = createMemoryBlobs();
    elsewhere = undefined;
    sweep = new SharedSweep({ store, blobs, clock, readSpec });
  });

  test("go when no job has named them for the whole grace, and not before", async () => {
    await put(specKey(OTHER), bundleKey(OTHER), resultsKey(OTHER));
    expect(await sweep.sweep()).toEqual([]);
    await clock.advance(GRACE_MS - 1);
    expect(await sweep.sweep()).toEqual([]);
    await clock.advance(1);
    expect([...(await sweep.sweep())].sort()).toEqual(
      [specKey(OTHER), bundleKey(OTHER), resultsKey(OTHER)].sort(),
    );
    expect(blobs.blobs.size).toBe(0);
  });

  test("stay as long as the store knows a job that names them", async () => {
    await put(specKey(SPEC), bundleKey(bundle), resultsKey(RESULTS), specKey(OTHER));
    await submit(SPEC);
    const end = { kind: "committed", atMs: 0, tasksDone: 0, results: RESULTS } as const;
    const card = { kind: "put", key: jobKeys(spec.id).card, value: encodeJson(cardOf(spec, end)) } as const;
    await store.txn({ compare: [], success: [card] });
    expect(await sweepAfterGrace()).toEqual([specKey(OTHER)]);
    await store.txn({
      compare: [],
      success: [
        { kind: "delete", key: jobKeys(spec.id).card },
        { kind: "delete", key: jobKeys(spec.id).log(0) },
      ],
    });
    expect([...(await sweepAfterGrace())].sort()).toEqual(
      [specKey(SPEC), bundleKey(bundle), resultsKey(RESULTS)].sort(),
    );
  });

  test("stay where a job's spec is elsewhere, so that its code is not known", async () => {
    await put(bundleKey(bundle));
    await submit(SPEC);
    expect(await sweepAfterGrace()).toEqual([]);
  });

  const damagedSpecs = [
    ["of nonsense", new Uint8Array(9)],
    ["that names other code", encodeJson({ ...spec, constants: { ...spec.constants, bundle: OTHER } })],
    ["cut short", encodeJson(spec).subarray(0, 50)],
  ] as const;
  test.each(damagedSpecs)(
    "stay where they may be what a damaged spec names, one %s; the rest goes",
    async (_, damaged) => {
      await put(specKey(OTHER), bundleKey(bundle), bundleKey(OTHER), resultsKey(RESULTS));
      await blobs.put(specKey(SPEC), damaged);
      await submit(SPEC);
      expect([...(await sweepAfterGrace())].sort()).toEqual([specKey(OTHER), resultsKey(RESULTS)].sort());
    },
  );

  test.each(damagedSpecs)("go by what a damaged spec says when it is mended, one %s", async (_, damaged) => {
    await put(bundleKey(bundle), bundleKey(OTHER));
    await blobs.put(specKey(SPEC), damaged);
    await submit(SPEC);
    elsewhere = encodeJson(spec);
    expect(await sweepAfterGrace()).toEqual([bundleKey(OTHER)]);
    expect(await blobs.get(specKey(SPEC))).toEqual(elsewhere);
  });

  test("stay where they may be the results that a damaged card names; the rest goes", async () => {
    await put(specKey(SPEC), specKey(OTHER), bundleKey(OTHER), resultsKey(RESULTS));
    await submit(SPEC);
    const damaged = { kind: "put", key: jobKeys(spec.id).card, value: new Uint8Array(3) } as const;
    await store.txn({ compare: [], success: [damaged] });
    expect([...(await sweepAfterGrace())].sort()).toEqual([bundleKey(OTHER), specKey(OTHER)].sort());
  });

  test("begin anew to be nobody's when somebody asks for them", async () => {
    await put(bundleKey(OTHER));
    await sweep.sweep();
    await clock.advance(GRACE_MS);
    sweep.touch(bundleKey(OTHER));
    expect(await sweep.sweep()).toEqual([]);
    expect(await sweepAfterGrace()).toEqual([bundleKey(OTHER)]);
  });

  test("stay where the store cannot be read as it should be", async () => {
    await put(bundleKey(OTHER), specKey(SPEC));
    await submit(SPEC);
    await sweep.sweep();
    await clock.advance(GRACE_MS);
    const broken = { kind: "put", key: jobKeys(spec.id).log(0), value: new Uint8Array(3) } as const;
    await store.txn({ compare: [], success: [broken] });
    await expect(sweep.sweep()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(await blobs.has(bundleKey(OTHER))).toBe(true);
  });
});
