/** Outputs of every kind: what begins with `s3://` is on S3, all else is a directory of this machine. */
import { resolve } from "node:path";
import type { Outputs, OutputTarget } from "../../ports/outputs.ts";
import type { Scratch } from "../../ports/scratch.ts";
import { createFileOutputs } from "../fs/outputs.ts";
import { createS3Outputs } from "../s3/outputs.ts";
import { directoryUrl, isS3Url } from "../s3/url.ts";

/**
 * @param scratch Keeps what is written to S3 until it is uploaded.
 * @param memoryBytes What one task may use.
 */
export function createOutputs(scratch: Scratch, memoryBytes: number): Outputs {
  return outputsByScheme(createFileOutputs(), createS3Outputs(scratch, undefined, memoryBytes));
}

export function outputsByScheme(files: Outputs, s3: Outputs): Outputs {
  const of = ({ directory }: OutputTarget): Outputs => (isS3Url(directory) ? s3 : files);
  return {
    check: (target) => of(target).check(target),
    create: (target, staged) => of(target).create(target, staged),
    commit: (target, committed) => of(target).commit(target, committed),
    discard: (target) => of(target).discard(target),
  };
}

/** The one name of an output that everybody knows it by, whatever their working directory. */
export const resolveOutput = (path: string): string => (isS3Url(path) ? directoryUrl(path) : resolve(path));
