/**
 * What `s3://` patterns name. Objects that a `write` put there count only where the manifest beside them names them: so
 * neither parts of an output that is being committed nor leftovers of another are ever read.
 */
import type { InputFile } from "../../plan/task.ts";
import { readingFrom, s3NotFound, showUrl } from "./errors.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { type ObjectStat, type Objects, ObjectsError } from "./objects.ts";
import { isPartName, MANIFEST_NAME } from "./output-names.ts";
import { parseS3Url, type S3Place, s3Url } from "./url.ts";

/** An output may be replaced while it is listed: then it is looked at again, this often at most. */
const LOOKS_MAX = 5;

/** The files that one pattern names, in no order. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE. */
export async function listObjects(objects: Objects, pattern: string): Promise<readonly InputFile[]> {
  if (pattern.includes("\0"))
    throw s3NotFound(pattern, `The input ${showUrl(pattern)} has a NUL character, which no key has.`);
  const place = parseS3Url(pattern);
  if (place.bucket === "")
    throw s3NotFound(pattern, `The input ${showUrl(pattern)} names no bucket: write s3://bucket/key.`);
  return readingFrom(pattern, async () => {
    const isDirectory = place.key === "" || place.key.endsWith("/");
    const literal = isDirectory ? undefined : await objects.stat(place);
    if (literal !== undefined) return [fileOf(place.bucket, literal)];
    const { scan } = await picomatch();
    const glob = scan(place.key);
    const found = await namedBy(objects, directoryFilter(place), pattern);
    if (found.length > 0 || !glob.isGlob) return someOf(found, pattern, "directory");
    return someOf(await namedBy(objects, await globFilter(place), pattern), pattern, "glob");
  });
}

/** Which keys of a bucket are meant. */
interface Filter {
  readonly bucket: string;
  /** All of them begin with it. */
  readonly prefix: string;
  readonly matches: (key: string) => boolean;
}

/** All below it, without names that begin with a dot. */
function directoryFilter({ bucket, key }: S3Place): Filter {
  const prefix = key === "" || key.endsWith("/") ? key : `${key}/`;
  const matches = (found: string) => !/(?:^|\/)\./.test(found.slice(prefix.length));
  return { bucket, prefix, matches };
}

async function globFilter({ bucket, key }: S3Place): Promise<Filter> {
  const { default: compile, scan } = await picomatch();
  const { base, glob } = scan(key);
  const start = base === "" ? "" : `${base}/`;
  const isMatch = compile(glob, { nonegate: true });
  // Up to its first wildcard, so that the server leaves out what it can.
  const [literal = ""] = /^[^*?[\]{}()!+@|\\]*/.exec(glob) ?? [];
  const matches = (found: string) => isMatch(found.slice(start.length));
  return { bucket, prefix: `${start}${literal}`, matches };
}

/** Not loaded where nothing is listed. */
async function picomatch() {
  const { default: compile } = await import("picomatch");
  return { default: compile, scan: (pattern: string) => compile.scan(pattern) };
}

async function namedBy(objects: Objects, filter: Filter, pattern: string): Promise<readonly InputFile[]> {
  for (let look = 1; look <= LOOKS_MAX; look++) {
    const found = await keysOf(objects, filter);
    const committed = await committedOf(objects, filter, found);
    if (committed === undefined) continue;
    if (committed.length > 0 || found.length === 0)
      return committed.map((stat) => fileOf(filter.bucket, stat));
    throw s3NotFound(
      pattern,
      `${showUrl(pattern)} names only parts of an output that is not committed: there is no ${MANIFEST_NAME} beside ` +
        "them that names them. Wait for the job that writes it, or name another input.",
    );
  }
  throw new ObjectsError(
    "passing",
    `it was replaced ${LOOKS_MAX} times while it was listed, or has lost parts`,
  );
}

async function keysOf(objects: Objects, { bucket, prefix, matches }: Filter): Promise<readonly ObjectStat[]> {
  const found: ObjectStat[] = [];
  for await (const page of objects.list(bucket, prefix)) {
    for (const stat of page) {
      // Consoles make empty objects for directories.
      const isFile = !stat.key.endsWith("/") && nameOf(stat.key) !== MANIFEST_NAME;
      if (isFile && matches(stat.key)) found.push(stat);
    }
  }
  return found;
}

/** Without parts that no manifest names. Undefined where a part is missing that a manifest names. */
async function committedOf(
  objects: Objects,
  { bucket, prefix, matches }: Filter,
  found: readonly ObjectStat[],
): Promise<readonly ObjectStat[] | undefined> {
  const outputs = new Set(found.filter(isPart).map(({ key }) => directoryOf(key)));
  const committed = new Set<string>();
  const keys = new Set(found.map(({ key }) => key));
  for (const directory of outputs) {
    const manifest = await manifestIn(objects, bucket, directory);
    for (const { name } of manifest?.files ?? []) {
      const key = `${directory}${name}`;
      if (!keys.has(key) && key.startsWith(prefix) && matches(key)) return undefined;
      committed.add(key);
    }
  }
  return found.filter((stat) => !isPart(stat) || committed.has(stat.key));
}

async function manifestIn(
  objects: Objects,
  bucket: string,
  directory: string,
): Promise<Manifest | undefined> {
  return (await readManifest(objects, { bucket, key: `${directory}${MANIFEST_NAME}` }))?.manifest;
}

function someOf(
  found: readonly InputFile[],
  pattern: string,
  kind: "directory" | "glob",
): readonly InputFile[] {
  if (found.length > 0) return found;
  throw s3NotFound(
    pattern,
    kind === "glob"
      ? `No object matches ${showUrl(pattern)}. A glob names objects: end it with /** for everything below.`
      : `There is no object ${showUrl(pattern)}, and none below it (names with a leading dot are left out). ` +
          "Correct the key, or put it there.",
  );
}

const nameOf = (key: string): string => key.slice(key.lastIndexOf("/") + 1);
const directoryOf = (key: string): string => key.slice(0, key.lastIndexOf("/") + 1);
const isPart = ({ key }: ObjectStat): boolean => isPartName(nameOf(key));

const fileOf = (bucket: string, { key, bytes, etag, modifiedMs }: ObjectStat): InputFile => ({
  path: s3Url({ bucket, key }),
  sizeBytes: bytes,
  mtimeMs: modifiedMs,
  etag,
});
