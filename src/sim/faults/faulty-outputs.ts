import { BicoastalError } from "../../base/errors.ts";
import type { Outputs, OutputTarget } from "../../ports/outputs.ts";
import type { SimProcess } from "../process.ts";
import type { Faults } from "./faults.ts";

const COMMIT_MS_MAX = 600;

/**
 * One process's way to the outputs' storage, as to S3: slow, refusing (409, 412, 503), or losing the answer to what was done.
 * @param begun Targets that somebody began to commit and did not end, by who; shared by all processes.
 */
export function faultyOutputs(
  outputs: Outputs,
  process: SimProcess,
  faults: Faults,
  begun: Map<string, string>,
): Outputs {
  const { points, random, trace } = faults;
  const where = (target: OutputTarget) => (): string => `${target.directory} of ${process.name}`;
  return {
    check: (target) => outputs.check(target),
    discard: (target) => outputs.discard(target),
    create: (target, staged) => {
      const writer = outputs.create(target, staged);
      return {
        get bytes() {
          return writer.bytes;
        },
        append: (bytes) => writer.append(bytes),
        close: async () => {
          points.pass(process, "closing a file");
          if (faults.happens("outputRefuses", where(target))) throw failed(target, "slow down (503)");
          const name = await writer.close();
          points.pass(process, "file closed");
          if (faults.happens("outputReplyLost", where(target))) throw failed(target, "no answer");
          return name;
        },
        abort: () => writer.abort(),
      };
    },
    commit: (target, files) => {
      points.pass(process, "committing outputs");
      const before = begun.get(target.directory);
      begun.set(target.directory, process.name);
      return process.awaiting(random.below(COMMIT_MS_MAX), async () => {
        if (faults.happens("outputRefuses", where(target))) throw failed(target, "conflict (409)");
        points.pass(process, "outputs under way");
        await outputs.commit(target, files);
        if (before !== undefined && before !== process.name) trace.met("commitEndedByAnother");
        if (faults.happens("outputReplyLost", where(target))) throw failed(target, "no answer");
        return process.awaiting(random.below(COMMIT_MS_MAX), async () => {
          begun.delete(target.directory);
          points.pass(process, "outputs committed");
        });
      });
    },
  };
}

function failed({ directory }: OutputTarget, what: string): BicoastalError {
  return new BicoastalError("OUTPUT_FAILED", `The simulated output ${directory} cannot be written: ${what}`, {
    retryable: true,
    details: { path: directory },
  });
}
