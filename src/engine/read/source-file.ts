import type { InputFile } from "../../plan/task.ts";

/** Whether a file is compressed: its name says so. Such a file is always read whole, by one task. */
export function isGzip(file: InputFile): boolean {
  return file.path.toLowerCase().endsWith(".gz");
}
