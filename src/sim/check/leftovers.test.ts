import { expect, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { leftovers } from "./leftovers.ts";

test("what is left of jobs that have ended is named, and what they keep is not", () => {
  const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
  const job = jobId("job-1");
  const { card, epoch, log, open, progress, cancel, driver } = jobKeys(job);
  const put = (key: string) =>
    backend.txn({ compare: [], success: [{ kind: "put", key, value: Buffer.from("x") }] });
  for (const key of [card, epoch, log(0), "nodes/a"]) put(key);
  expect(leftovers({ backend, blocks: [], staged: [] })).toEqual([]);
  for (const key of [open, progress, cancel, driver]) put(key);
  expect(leftovers({ backend, blocks: ["jobs/job-1/blocks/s0"], staged: ["job-1.0"] })).toEqual([
    "open/job-1",
    "progress/job-1",
    "cancel/job-1",
    "jobs/job-1/driver",
    "block jobs/job-1/blocks/s0",
    "staged files of job-1.0",
  ]);
});
