import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory that holds Bicoastal's own code, with a separator: `dist/`, or `src/` where it is not built. */
export function ownRoot(): string {
  const directory = dirname(fileURLToPath(import.meta.url));
  return `${import.meta.url.endsWith(".ts") ? dirname(directory) : directory}/`;
}
