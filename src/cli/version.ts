import { readFileSync } from "node:fs";

/** Levels between this file (in `src/cli` or `dist`) and the package's own. */
const LEVELS_MAX = 3;

/** This package's version, from the package.json above this file. */
export function packageVersion(): string {
  let directory = new URL(".", import.meta.url);
  for (let level = 0; level < LEVELS_MAX; level++, directory = new URL("..", directory)) {
    const version = versionIn(new URL("package.json", directory));
    if (version !== undefined) return version;
  }
  return "unknown";
}

function versionIn(file: URL): string | undefined {
  try {
    const manifest = JSON.parse(readFileSync(file, "utf8")) as { name?: unknown; version?: unknown };
    return manifest.name === "bicoastal" && typeof manifest.version === "string"
      ? manifest.version
      : undefined;
  } catch {
    return undefined;
  }
}
