/** Whether a job may write where it was told to. */
import type { OutputTarget } from "../../ports/outputs.ts";
import { s3OutputExists, s3OutputFailed } from "./errors.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import type { Objects } from "./objects.ts";
import { isPartName, outputNamesOf } from "./output-names.ts";
import { parseS3Url } from "./url.ts";

/** Looks, and begins an upload that it aborts at once: a job must not find out at its end that it may not write. */
export async function checkOutput(objects: Objects, target: OutputTarget): Promise<void> {
  const { bucket, key } = parseS3Url(target.directory);
  if (bucket === "" || key === "") {
    throw s3OutputFailed(
      target.directory,
      `The output ${target.directory} names no prefix. An output is replaced as a whole: choose a prefix of its own, such as s3://bucket/out.`,
    );
  }
  const names = outputNamesOf(target);
  await refuseOccupied(objects, target, (await readManifest(objects, names.manifest))?.manifest);
  const probe = { bucket, key: `${names.partPrefix}check` };
  await objects.abortUpload(probe, await objects.startUpload(probe));
}

/**
 * Throws OUTPUT_EXISTS where something is there, unless `overwrite` was asked for and replacing it loses nothing but an
 * earlier output. Parts that no manifest names are nothing: they are leftovers, or another job's that is not committed.
 */
export async function refuseOccupied(
  objects: Objects,
  target: OutputTarget,
  manifest: Manifest | undefined,
): Promise<void> {
  if (manifest !== undefined && !target.overwrite) throw exists(target);
  const { bucket, prefix, manifest: own } = outputNamesOf(target);
  const known = new Set(manifest?.files.map(({ name }) => `${prefix}${name}`));
  for await (const page of objects.list(bucket, prefix)) {
    const foreign = page.find(
      ({ key }) =>
        key !== own.key && !known.has(key) && !key.endsWith("/") && !isPartName(key.slice(prefix.length)),
    );
    if (foreign === undefined) continue;
    if (!target.overwrite) throw exists(target);
    throw s3OutputExists(
      target.directory,
      manifest === undefined
        ? "was not written by Bicoastal, and overwrite replaces nothing else. Remove it yourself, or choose another prefix."
        : `holds an object that Bicoastal did not write: ${foreign.key.slice(prefix.length)}. Move it elsewhere, or choose another prefix.`,
    );
  }
}

const exists = (target: OutputTarget) =>
  s3OutputExists(
    target.directory,
    "exists. Choose another, remove it, or ask for it with the option overwrite: true.",
  );
