/**
 * A job of a newer version of the program, in a cluster in which not every node is of that version yet: what its log says is
 * unknown here. Nobody may write to it, nor tidy it up, and all other jobs go on.
 */
import { type JobId, jobId } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import { type ControlStore, prefixEnd } from "../../ports/control-store.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";

export const NEWER_JOB: JobId = jobId("newer-1");

const KEYS = jobKeys(NEWER_JOB);
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const EVENT = { kind: "submitted", job: NEWER_JOB, spec: "5".repeat(64), atMs: 0 };
/** What a newer version may have written: records of another shape, or in the same one an event that is new. */
const RECORDS = [
  { version: 2, seq: 0, epoch: 0, events: [EVENT] },
  { version: 1, seq: 0, epoch: 0, events: [EVENT, { kind: "rebalanced", atMs: 0 }] },
];

/** Submits it; gives what nodes have of it, and what is wrong with its keys in the end. */
export async function submitNewerJob(
  like: JobSpec,
  open: Uint8Array,
  store: ControlStore,
  random: Prng,
): Promise<{
  readonly spec: JobSpec;
  readonly problems: (backend: MemoryStoreBackend) => readonly string[];
}> {
  const written = new Map<string, Uint8Array>([
    [KEYS.log(0), encode(random.pick(RECORDS))],
    [KEYS.epoch, new TextEncoder().encode("0")],
    [KEYS.card, encode({ job: NEWER_JOB, shape: "new" })],
    [KEYS.open, open],
  ]);
  const puts = [...written].map(([key, value]) => ({ kind: "put", key, value }) as const);
  const { revision } = await store.txn({ compare: [], success: puts });
  const problems = (backend: MemoryStoreBackend): readonly string[] => {
    const there = backend.range(KEYS.prefix, prefixEnd(KEYS.prefix)).entries.map(({ key }) => key);
    const keys = new Set([...written.keys(), ...there]);
    return [...keys].flatMap((key) => {
      const { entry } = backend.get(key);
      if (written.has(key) && entry?.modRevision === revision) return [];
      return [`S12: ${key} of a job of a newer version was ${entry === undefined ? "deleted" : "written"}`];
    });
  };
  return { spec: { ...like, id: NEWER_JOB }, problems };
}
