/** Outputs on S3: `s3://bucket/prefix` as a directory that appears with its manifest. */
import type { Outputs } from "../../ports/outputs.ts";
import type { Scratch } from "../../ports/scratch.ts";
import { CommitsSeen } from "./commits-seen.ts";
import { writingTo } from "./errors.ts";
import type { Objects } from "./objects.ts";
import { outputNamesOf } from "./output-names.ts";
import { checkOutput } from "./outputs-check.ts";
import { commitOutput, discardOutput } from "./outputs-commit.ts";
import { S3OutputWriter } from "./outputs-writer.ts";
import { openSdkObjects } from "./sdk-objects.ts";

/**
 * @param scratch Keeps what is written until it is uploaded.
 * @param memoryBytes What one task may use. Default: as much as there is any use for.
 */
export function createS3Outputs(
  scratch: Scratch,
  open: () => Promise<Objects> = openSdkObjects,
  memoryBytes: number = Number.POSITIVE_INFINITY,
): Outputs {
  const commits = new CommitsSeen();
  return {
    check: (target) => writingTo(target.directory, async () => checkOutput(await open(), target)),
    create(target, staged) {
      const { bucket, partPrefix } = outputNamesOf(target);
      const place = { bucket, key: `${partPrefix}${staged}` };
      return new S3OutputWriter({ open, place, staged, target, scratch, commits, memoryBytes });
    },
    commit: (target, files) =>
      writingTo(target.directory, async () => commitOutput(await open(), target, files)),
    discard: (target) => writingTo(target.directory, async () => discardOutput(await open(), target)),
  };
}
