/** The file that tells a directory Bicoastal wrote from one that is somebody's only copy. */
import { join } from "node:path";
import type { CommittedFile, OutputTarget } from "../../ports/outputs.ts";
import { outputExists } from "./outputs-errors.ts";
import type { OutputFiles } from "./outputs-files.ts";

export const MARKER_NAME = "_bicoastal.json";

interface Marker {
  readonly version: 1;
  readonly job: string;
  readonly endIndex: number;
  /** Names of all other files, ascending. */
  readonly files: readonly string[];
}

export function markerText({ job, endIndex }: OutputTarget, files: readonly CommittedFile[]): string {
  const marker: Marker = { version: 1, job, endIndex, files: files.map((file) => file.name).sort() };
  return `${JSON.stringify(marker, undefined, 2)}\n`;
}

/** Whether the directory is what this very end of this job wrote. */
export async function isMarkedBy(fs: OutputFiles, directory: string, target: OutputTarget): Promise<boolean> {
  return isMarkerOf(await fs.readText(join(directory, MARKER_NAME)), target);
}

/** Whether the text is the marker of this very end of this job. */
export function isMarkerOf(text: string | undefined, { job, endIndex }: OutputTarget): boolean {
  const marker = parseMarker(text);
  return marker !== undefined && marker.job === job && marker.endIndex === endIndex;
}

/**
 * Throws OUTPUT_EXISTS unless replacing the directory loses nothing but an earlier output: it is empty, or has our
 * marker and no file besides those that the marker names.
 */
export async function refuseForeign(fs: OutputFiles, directory: string): Promise<void> {
  const names = (await fs.entries(directory)) ?? [];
  if (names.length === 0) return;
  const marker = parseMarker(await fs.readText(join(directory, MARKER_NAME)));
  if (marker === undefined) {
    throw outputExists(
      directory,
      "was not written by Bicoastal, and overwrite replaces nothing else. Remove it yourself, or choose another directory.",
    );
  }
  const foreign = names.find((name) => name !== MARKER_NAME && !marker.files.includes(name));
  if (foreign !== undefined) {
    throw outputExists(
      directory,
      `holds a file that Bicoastal did not write: ${foreign}. Move it elsewhere, or choose another directory.`,
    );
  }
}

function parseMarker(text: string | undefined): Marker | undefined {
  if (text === undefined) return undefined;
  try {
    const marker: unknown = JSON.parse(text);
    return isMarker(marker) ? marker : undefined;
  } catch {
    // Not ours, then: the real one is durable before its directory gets its name.
    return undefined;
  }
}

function isMarker(value: unknown): value is Marker {
  if (typeof value !== "object" || value === null) return false;
  const { version, job, endIndex, files } = value as Record<string, unknown>;
  const named = typeof job === "string" && typeof endIndex === "number";
  return version === 1 && named && Array.isArray(files) && files.every((name) => typeof name === "string");
}
