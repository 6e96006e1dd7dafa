/** Reads a job's log from the store of its data directory, and holds it to what every log must be. */
import { join } from "node:path";
import { expect } from "vitest";
import { createFileBlobs } from "../src/adapters/fs/blobs.ts";
import { openLmdbControlStore } from "../src/adapters/lmdb/store.ts";
import { systemClock } from "../src/adapters/machine/system-clock.ts";
import { type JobId, jobId, taskKey } from "../src/base/ids.ts";
import { Prng } from "../src/base/prng.ts";
import { JobState } from "../src/core/job-state.ts";
import type { ControlStore } from "../src/ports/control-store.ts";
import { prefixEnd } from "../src/ports/control-store.ts";
import { decodeSpec } from "../src/protocol/codec.ts";
import type { LogRecord } from "../src/protocol/log-event.ts";
import { blobKeys, CARD_PREFIX } from "../src/runtime/job-keys.ts";
import { JobLog } from "../src/runtime/job-log.ts";

export interface JobAudit {
  readonly job: JobId;
  readonly state: JobState;
  readonly epochs: number;
  /** Completed tasks whose user code says so in a counter "ran NAME", as `NAME/partition`. */
  readonly complete: ReadonlySet<string>;
}

async function withStore<T>(dataDir: string, use: (store: ControlStore) => Promise<T>): Promise<T> {
  const store = await openLmdbControlStore({ directory: join(dataDir, "store"), clock: systemClock });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

export function jobIds(dataDir: string): Promise<readonly JobId[]> {
  return withStore(dataDir, async (store) => {
    const { entries } = await store.range(CARD_PREFIX, prefixEnd(CARD_PREFIX));
    return entries.map(({ key }) => jobId(key.slice(CARD_PREFIX.length)));
  });
}

export async function auditJob(dataDir: string, job: JobId): Promise<JobAudit> {
  const timing = { clock: systemClock, random: new Prng("audit") };
  const { records } = await withStore(dataDir, (store) => new JobLog(store, job, timing).read());
  checkLog(records);
  const specBytes = await createFileBlobs(join(dataDir, "blobs")).get(blobKeys(job).spec);
  const state = JobState.replay(decodeSpec(specBytes, "The spec"), records);
  const complete = [...state.outputs()].flatMap(({ attempt, output }) =>
    Object.keys(output.counters)
      .filter((name) => name.startsWith("ran "))
      .map((name) => `${name.slice("ran ".length)}/${attempt.partition}`),
  );
  return { job, state, epochs: state.epoch, complete: new Set(complete) };
}

/** No gap (S2), epochs that only rise by take-overs, and one effective attempt a task (S4). */
function checkLog(records: readonly LogRecord[]): void {
  expect(records.map(({ seq }) => seq)).toEqual(records.map((_, index) => index));
  const effective = new Map<string, string>();
  let epoch = 0;
  for (const record of records) {
    for (const event of record.events) {
      if (event.kind === "epochStarted") {
        expect(event.epoch).toBeGreaterThan(epoch);
        epoch = event.epoch;
      }
      if (event.kind === "taskCompleted") {
        expect(effective.get(taskKey(event.attempt)), "completed while complete").toBeUndefined();
        effective.set(taskKey(event.attempt), "complete");
      } else if (event.kind === "outputLost") {
        expect(effective.delete(taskKey(event.attempt)), "lost while not there").toBe(true);
      }
    }
    expect(record.epoch).toBe(epoch);
  }
}
