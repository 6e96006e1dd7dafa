/** Inputs of every kind: what begins with `s3://` is on S3, all else is a path of this machine. */
import type { Inputs } from "../../ports/inputs.ts";
import { createFileInputs } from "../fs/inputs.ts";
import { createS3Inputs } from "../s3/inputs.ts";
import { isS3Url } from "../s3/url.ts";

export interface InputsOptions {
  /** As for `createFileInputs`. */
  readonly cwd?: string | undefined;
  /** What one task may use. Default: as much as there is any use for. */
  readonly memoryBytes?: number;
}

export function createInputs({ cwd, memoryBytes }: InputsOptions = {}): Inputs {
  return inputsByScheme(createFileInputs(cwd), createS3Inputs(undefined, memoryBytes));
}

export function inputsByScheme(files: Inputs, s3: Inputs): Inputs {
  const of = (path: string): Inputs => (isS3Url(path) ? s3 : files);
  return {
    async list(patterns) {
      const remote = patterns.filter(isS3Url);
      if (remote.length === 0) return files.list(patterns);
      const local = patterns.filter((pattern) => !isS3Url(pattern));
      const found = [...(local.length === 0 ? [] : await files.list(local)), ...(await s3.list(remote))];
      return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    },
    open: (file, options) => of(file.path).open(file, options),
    openGzip: (file) => of(file.path).openGzip(file),
  };
}
