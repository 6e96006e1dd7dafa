/**
 * The manifest of an output: the one object that says which parts it has. Writing it is the commit, and whoever reads
 * the output by it sees all of one version.
 */
import type { CommittedFile, OutputTarget } from "../../ports/outputs.ts";
import { type Objects, ObjectsError } from "./objects.ts";
import { parseReceipt } from "./output-names.ts";
import type { S3Place } from "./url.ts";

export interface ManifestFile {
  /** Of the object beside the manifest. */
  readonly name: string;
  /** What it would be called in a directory: its place in the order. */
  readonly part: string;
  readonly bytes: number;
}

/** The output that was there before. */
interface Replaced {
  readonly job: string;
  readonly endIndex: number;
  readonly names: readonly string[];
}

export interface Manifest {
  readonly version: 1;
  readonly job: string;
  readonly endIndex: number;
  /** In the order of the result. */
  readonly files: readonly ManifestFile[];
  readonly replaced?: Replaced;
}

export interface FoundManifest {
  readonly manifest: Manifest;
  readonly etag: string;
}

export function manifestOf(
  { job, endIndex }: OutputTarget,
  nameOf: (staged: string) => string,
  files: readonly CommittedFile[],
  before: Manifest | undefined,
): Manifest {
  const listed = files.map(({ staged, name, bytes }) => ({
    name: nameOf(parseReceipt(staged)?.staged ?? staged),
    part: name,
    bytes,
  }));
  const manifest: Manifest = { version: 1, job, endIndex, files: listed };
  if (before === undefined) return manifest;
  const names = before.files.map(({ name }) => name);
  return { ...manifest, replaced: { job: before.job, endIndex: before.endIndex, names } };
}

export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, undefined, 2)}\n`;

/** Undefined where there is none. An object of its name that is none is trouble: nothing may be put in its place. */
export async function readManifest(objects: Objects, place: S3Place): Promise<FoundManifest | undefined> {
  const found = await objects.readText(place);
  if (found === undefined) return undefined;
  const manifest = parse(found.text);
  if (manifest === undefined)
    throw new ObjectsError("other", `its ${place.key} is no manifest that this version of Bicoastal knows`);
  return { manifest, etag: found.etag };
}

/** Whether this very end of this job has been committed: it stands, or has been replaced by a later one. */
export const isCommittedBy = (
  { manifest }: FoundManifest,
  { job, endIndex }: OutputTarget,
): "now" | "before" | "never" => {
  if (manifest.job === job && manifest.endIndex === endIndex) return "now";
  return manifest.replaced?.job === job && manifest.replaced.endIndex === endIndex ? "before" : "never";
};

function parse(text: string): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const isName = (value: unknown): boolean => typeof value === "string" && value !== "" && !value.includes("/");

function isManifest(value: unknown): value is Manifest {
  if (!isFields(value) || value.version !== 1 || !isOwned(value) || !Array.isArray(value.files)) return false;
  const { replaced } = value;
  const isReplaced = (old: unknown) =>
    isFields(old) && isOwned(old) && Array.isArray(old.names) && old.names.every(isName);
  return value.files.every(isFile) && (replaced === undefined || isReplaced(replaced));
}

const isOwned = ({ job, endIndex }: Record<string, unknown>): boolean =>
  typeof job === "string" && Number.isSafeInteger(endIndex);

const isFile = (value: unknown): boolean =>
  isFields(value) &&
  isName(value.name) &&
  typeof value.part === "string" &&
  Number.isSafeInteger(value.bytes) &&
  (value.bytes as number) >= 0;
