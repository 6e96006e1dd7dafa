import type { InputFile } from "../../plan/task.ts";
import type { Inputs } from "../../ports/inputs.ts";
import { GzipStream } from "../fs/inputs-gzip.ts";
import { readingFrom } from "./errors.ts";
import { S3Reader } from "./inputs-reader.ts";
import type { Objects } from "./objects.ts";
import { openSdkObjects } from "./sdk-objects.ts";

/**
 * Objects of S3, named `s3://bucket/key`. Each version is pinned by its ETag when it is listed.
 * @param memoryBytes What one task may use. Default: as much as there is any use for.
 */
export function createS3Inputs(
  open: () => Promise<Objects> = openSdkObjects,
  memoryBytes: number = Number.POSITIVE_INFINITY,
): Inputs {
  const opened = (url: string): Promise<Objects> => readingFrom(url, open);
  return {
    async list(patterns) {
      const { listObjects } = await import("./inputs-list.ts");
      const files = new Map<string, InputFile>();
      for (const pattern of patterns) {
        for (const file of await listObjects(await opened(pattern), pattern)) files.set(file.path, file);
      }
      return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    },
    open: async (file, options) => S3Reader.open(await opened(file.path), file, { ...options, memoryBytes }),
    openGzip: async (file) =>
      new GzipStream(await S3Reader.open(await opened(file.path), file, { memoryBytes })),
  };
}
