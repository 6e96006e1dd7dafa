import type { JobId } from "../base/ids.ts";
import type { Transport } from "../ports/transport.ts";
import type { Message, Term } from "../protocol/message.ts";
import type { WorkerObserver } from "./worker.ts";

/** The workers of a job, as its driver sees them. */
export interface Crew {
  /** How the driver speaks to them. */
  readonly transport: Transport<Message>;
  /**
   * Has the workers in this process tell at once of the tasks that ended, which they otherwise do of many together.
   * Resolves when the driver has been told; what others have to tell is not waited for.
   */
  report(): Promise<void>;
  close(): void;
}

/** What a driver that takes a job over asks its workers together with. */
export interface MusterRequest {
  readonly job: JobId;
  readonly term: Term;
  readonly incarnation: string;
  readonly observer: WorkerObserver;
}
