import type { NodeId } from "../base/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { TaskRunner } from "../ports/task-runner.ts";
import type { Message } from "../protocol/message.ts";
import type { Crew, MusterRequest } from "./crew.ts";
import { LocalHub } from "./local-hub.ts";
import { Worker } from "./worker.ts";

const HEARTBEAT_MS = 5_000;
/** Longer than this process is ever busy with one turn of the driver's. */
const AHEAD_MS = 30;

/** One worker in the driver's own process. */
export function localCrew(
  clock: Clock,
  runner: TaskRunner,
  { job, term, incarnation, observer }: MusterRequest,
): Crew {
  const hub = new LocalHub<Message>();
  const driver = hub.join("driver" as NodeId);
  const transport = hub.join("worker" as NodeId);
  const worker = new Worker({
    job,
    driver: () => driver.self,
    incarnation: `${incarnation}/${term.epoch}`,
    transport,
    runner,
    clock,
    heartbeatMs: HEARTBEAT_MS,
    aheadMs: AHEAD_MS,
    observer,
  });
  transport.receive((_, message) => {
    if (message.kind === "orders") worker.onOrders(message);
  });
  worker.start();
  return {
    transport: driver,
    // The hub delivers in order: before whoever waits for this goes on.
    report: async () => worker.report(),
    close: () => {
      worker.close();
      driver.close();
      transport.close();
    },
  };
}
