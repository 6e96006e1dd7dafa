/**
 * Makes an output on S3 appear all at once for whoever goes by its manifest, also across crashes and by drivers that do
 * not know that they have been replaced.
 *
 * 1. The manifest that stands there is read: is the place free, or may what is there be replaced?
 * 2. The uploads of the committed files are completed: their objects appear beside what was there before.
 * 3. The manifest is written on the condition that the one of step 1 still stands. This is the commit.
 * 4. What no manifest names any more is deleted: uploads of attempts that lost, then this job's objects that the
 *    manifest does not name, then the objects of the output that was replaced.
 *
 * Every step may be found done by a later call. Why nothing is doubled or lost:
 * - No two attempts write one key, so completing an upload late never touches another's object; at worst it shows an
 *   object that no manifest names, which is no part of the output, and which step 4 of either driver deletes.
 * - Of two drivers of one job one writes the manifest; the other finds its condition broken, reads that its job is
 *   committed, and goes on with step 4 by the manifest that stands. Uploads are aborted only after that, so the driver
 *   that wrote it had completed all that it names; and they are aborted before objects are listed, so that nothing is
 *   completed behind the listing.
 * - What is deleted is named by a manifest as replaced, or belongs to this very end of this job: never anything of
 *   another job that is about to commit here, or of somebody else.
 */
import type { CommittedFile, OutputTarget } from "../../ports/outputs.ts";
import { eachAtOnce } from "./at-once.ts";
import { s3OutputExists, s3OutputFailed } from "./errors.ts";
import {
  type FoundManifest,
  isCommittedBy,
  type Manifest,
  manifestOf,
  manifestText,
  readManifest,
} from "./manifest.ts";
import { isTrouble, type Objects, ObjectsError } from "./objects.ts";
import { type OutputNames, outputNamesOf, parseReceipt, type Receipt } from "./output-names.ts";
import { refuseOccupied } from "./outputs-check.ts";

export async function commitOutput(
  objects: Objects,
  target: OutputTarget,
  files: readonly CommittedFile[],
): Promise<void> {
  const names = outputNamesOf(target);
  const found = await readManifest(objects, names.manifest);
  const manifest = await commitUnlessDone(objects, target, names, files, found);
  if (manifest !== undefined) await sweep(objects, names, manifest);
}

/** Deletes what an unfinished job left. */
export async function discardOutput(objects: Objects, target: OutputTarget): Promise<void> {
  const names = outputNamesOf(target);
  const found = await readManifest(objects, names.manifest);
  const ours = found !== undefined && isCommittedBy(found, target) === "now";
  await sweep(objects, names, ours ? found.manifest : undefined);
}

/** The manifest that stands at the end; undefined where a later job has replaced this one's output already. */
async function commitUnlessDone(
  objects: Objects,
  target: OutputTarget,
  names: OutputNames,
  files: readonly CommittedFile[],
  found: FoundManifest | undefined,
): Promise<Manifest | undefined> {
  const done = found === undefined ? "never" : isCommittedBy(found, target);
  if (done !== "never") return done === "now" ? found?.manifest : undefined;
  const receipts = files.map((file) => receiptOf(target, file));
  await refuseOccupied(objects, target, found?.manifest);
  const nameOf = (staged: string) => keyOf(names, staged).slice(names.prefix.length);
  const manifest = manifestOf(target, nameOf, files, found?.manifest);
  try {
    await eachAtOnce(receipts, (receipt) => complete(objects, target, names, receipt));
    await objects.putIf(names.manifest, manifestText(manifest), found?.etag);
    return manifest;
  } catch (thrown) {
    return await settle(objects, target, names, found, thrown);
  }
}

/** Something failed: because another driver of this job was faster, because another job was, or for good reason. */
async function settle(
  objects: Objects,
  target: OutputTarget,
  names: OutputNames,
  before: FoundManifest | undefined,
  thrown: unknown,
): Promise<Manifest | undefined> {
  const now = await readManifest(objects, names.manifest);
  const done = now === undefined ? "never" : isCommittedBy(now, target);
  if (done !== "never") return done === "now" ? now?.manifest : undefined;
  if (!isTrouble(thrown, "changed")) throw thrown;
  if (now?.etag !== before?.etag)
    throw s3OutputExists(
      target.directory,
      "was written by another job while this one ran. Move it elsewhere and resume the job: its results are kept.",
    );
  throw new ObjectsError("passing", "its manifest was being written by another", thrown);
}

function receiptOf(target: OutputTarget, { staged, bytes }: CommittedFile): Receipt {
  const receipt = parseReceipt(staged);
  if (receipt?.bytes === bytes) return receipt;
  const what = receipt === undefined ? "is unknown" : `has ${receipt.bytes} bytes instead of ${bytes}`;
  throw lostFile(target, receipt?.staged ?? staged, what);
}

async function complete(
  objects: Objects,
  target: OutputTarget,
  names: OutputNames,
  { upload, etags, bytes, staged }: Receipt,
): Promise<void> {
  const place = { bucket: names.bucket, key: keyOf(names, staged) };
  try {
    await objects.completeUpload(place, upload, etags);
  } catch (thrown) {
    // Done before, by a call whose answer was lost or by another driver.
    const found = await objects.stat(place);
    if (found?.bytes === bytes) return;
    if (isTrouble(thrown, "noUpload", "absent")) throw lostFile(target, staged, "is missing");
    throw thrown;
  }
}

/** @param manifest What stands, if it is this end's; its parts stay. */
async function sweep(objects: Objects, names: OutputNames, manifest: Manifest | undefined): Promise<void> {
  const { bucket, prefix, partPrefix } = names;
  for await (const uploads of objects.uploads(bucket, partPrefix)) {
    await eachAtOnce(uploads, ({ key, id }) => objects.abortUpload({ bucket, key }, id));
  }
  const kept = new Set(manifest?.files.map(({ name }) => `${prefix}${name}`));
  const remove = (key: string) => objects.remove({ bucket, key });
  for await (const page of objects.list(bucket, partPrefix)) {
    const stray = page.flatMap(({ key }) => (kept.has(key) ? [] : [key]));
    await eachAtOnce(stray, remove);
  }
  await eachAtOnce(manifest?.replaced?.names ?? [], (name) => remove(`${prefix}${name}`));
}

const keyOf = ({ partPrefix }: OutputNames, staged: string): string => `${partPrefix}${staged}`;

const lostFile = (target: OutputTarget, staged: string, what: string) =>
  s3OutputFailed(
    target.directory,
    `The output ${target.directory} cannot be completed: its uploaded file ${staged} ${what}. It was changed from outside; run the job anew.`,
  );
