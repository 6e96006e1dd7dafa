/**
 * How a job is asked to stop by somebody who does not drive it: by a key that its driver looks at. The key goes with the
 * record that ends the job, and with the wish that it go on.
 */
import type { JobId } from "../base/ids.ts";
import type { ControlStore } from "../ports/control-store.ts";
import { jobKeys } from "./job-keys.ts";
import { type RetryClock, untilAvailable } from "./retry.ts";

/** How often a driver on one machine looks whether its job is to stop. In a cluster the key is watched. */
const LOOK_MS = 250;

export interface StopWish {
  readonly reason: string;
  /** Whether a job of the cluster may be asked that nobody drives now. */
  readonly alsoUndriven: boolean;
}

/** False where there is nobody to ask: the job has ended, or no process drives it. */
export async function askToStop(
  store: ControlStore,
  timing: RetryClock,
  job: JobId,
  { reason, alsoUndriven }: StopWish,
): Promise<boolean> {
  const { cancel, open, driver } = jobKeys(job);
  const put = { kind: "put", key: cancel, value: new TextEncoder().encode(reason) } as const;
  // On one machine a job has no open key, and somebody to ask only while it has a driver.
  for (const key of alsoUndriven ? [open] : [open, driver]) {
    const there = { key, target: "createRevision", op: ">", value: 0 } as const;
    const ask = () => store.txn({ compare: [there], success: [put] });
    const { succeeded } = await untilAvailable(timing, ask, () => false);
    if (succeeded) return true;
  }
  return false;
}

/** Looks now and then whether the job is to stop; calls back once, with the reason. Returns a function that ends this. */
export function lookForStop(
  store: ControlStore,
  { clock }: Pick<RetryClock, "clock">,
  job: JobId,
  onStop: (reason: string) => void,
): () => void {
  let open = true;
  let cancelTimer = (): void => {};
  const look = async (): Promise<void> => {
    // What cannot be read now is read the next time.
    const found = await store.get(jobKeys(job).cancel).catch(() => undefined);
    if (!open) return;
    if (found?.entry === undefined) return arm();
    onStop(new TextDecoder().decode(found.entry.value));
  };
  const arm = (): void => {
    cancelTimer = clock.setTimer(LOOK_MS, () => void look());
  };
  arm();
  return () => {
    open = false;
    cancelTimer();
  };
}
