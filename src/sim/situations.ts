import type { ErrorInfo } from "../base/errors.ts";
import type { JobId } from "../base/ids.ts";
import type { TaskRequest } from "../ports/task-runner.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import type { RunEvent } from "../runtime/events.ts";
import type { Trace } from "./trace.ts";

/** What is met where a job fails as it has to. */
export const finalSituation = ({ code }: ErrorInfo): string =>
  code === "OUTPUT_DIFFERS" ? "outputDiffered" : "poisonFailed";

/** Tells the trace what drivers say, and notes what of it is worth meeting. */
export class Situations {
  readonly #trace: Trace;
  /** Stages of which an attempt was under way, as `job/stage`. */
  readonly #begun = new Set<string>();
  readonly #lost = new Map<JobId, number>();

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  onAttempt({ job, assignment }: TaskRequest): void {
    this.#begun.add(`${job.job}/${assignment.attempt.stage}`);
  }

  onEvent(who: string, { id, stages }: JobSpec, event: RunEvent): void {
    const trace = this.#trace;
    switch (event.kind) {
      case "started": {
        const tasks = stages.reduce((sum, stage) => sum + stage.tasks, 0);
        trace.say(who, `drives ${id}, of which ${event.tasksResumed} of ${tasks} tasks are done`);
        if (event.tasksResumed > 0 && event.tasksResumed < tasks && stages.length > 1)
          trace.met("takeOverInMidShuffle");
        return;
      }
      case "taskFailed":
        return trace.say(who, `task ${event.stage}/${event.partition} failed: ${event.error.code}`);
      case "outputLost": {
        const consumers = stages.filter(({ dependsOn }) => dependsOn.includes(event.stage));
        if (consumers.some((stage) => this.#begun.has(`${id}/${stage.id}`)))
          trace.met("outputLostAfterItsConsumerBegan");
        const lost = (this.#lost.get(id) ?? 0) + 1;
        this.#lost.set(id, lost);
        return trace.say(
          who,
          `gives up the output of task ${event.stage}/${event.partition}, the ${lost}. so far`,
        );
      }
      case "backupStarted":
        return trace.say(who, `has ${event.node} try ${event.stage}/${event.partition} as well`);
      case "backupWon":
      case "nodeSetAside":
        trace.met(event.kind);
        return trace.say(who, `${event.kind}: ${event.node}`);
      default:
        return;
    }
  }
}
