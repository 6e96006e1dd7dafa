/** A span for each attempt that runs here, of a job whose driver is traced. */
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskRunner } from "../../ports/task-runner.ts";
import type { Span, Tracing } from "../../ports/tracing.ts";

/** The same runner. */
export function tracingRunner(runner: TaskRunner, tracing: Tracing, node: string): TaskRunner {
  return {
    get slots() {
      return runner.slots;
    },
    room: () => runner.room(),
    run(request, observer) {
      const { job, trace } = request.job;
      const { stage, partition, epoch, attempt } = request.assignment.attempt;
      const parent = trace?.[stage];
      if (parent === undefined) return runner.run(request, observer);
      const span = tracing.start(
        "bicoastal attempt",
        {
          "bicoastal.job": job,
          "bicoastal.stage": stage,
          "bicoastal.partition": partition,
          "bicoastal.epoch": epoch,
          "bicoastal.attempt": attempt,
          "bicoastal.node": node,
        },
        parent,
      );
      const outcome = runner.run(request, observer);
      if (!(outcome instanceof Promise)) {
        endWith(span, outcome);
        return outcome;
      }
      // Beside whoever waits for it; what rejects is told there.
      void outcome.then(
        (ended) => endWith(span, ended),
        () => span.end({ code: "THREAD_DIED", message: "Bicoastal itself failed." }),
      );
      return outcome;
    },
    stop: (job, attempt) => runner.stop(job, attempt),
    close: () => runner.close(),
  };
}

function endWith(span: Span, outcome: TaskOutcome): void {
  span.set({ "bicoastal.outcome": outcome.kind });
  if (outcome.kind === "finished") {
    const { rowsIn, bytesIn, block, files } = outcome.output;
    const written = files.reduce((sum, file) => sum + file.bytes, block?.bytes ?? 0);
    span.set({ "bicoastal.rows": rowsIn, "bicoastal.bytes": bytesIn, "bicoastal.bytes.written": written });
  }
  span.end(outcome.kind === "failed" ? outcome.error : undefined);
}
