/**
 * Whether an output has been committed, for attempts that upload for it: what one uploads after the commit is swept by nobody, and
 * hung uploads cost money. A manifest may name many thousands of objects, so that of another job, which stands until it is
 * replaced, is read once and not for each file: its ETag tells it from the next.
 */
import type { OutputTarget } from "../../ports/outputs.ts";
import { isCommittedBy, readManifest } from "./manifest.ts";
import { type Objects, ObjectsError } from "./objects.ts";
import { outputNamesOf } from "./output-names.ts";

/** Outputs are few at a time. */
const REMEMBERED_MAX = 16;

export class CommitsSeen {
  /** By end of a job, the manifest that stood there and was not of its commit. */
  readonly #others = new Map<string, string>();

  async hasCommitted(objects: Objects, target: OutputTarget): Promise<boolean> {
    const { partPrefix, manifest: place, bucket } = outputNamesOf(target);
    const end = `${bucket}/${partPrefix}`;
    try {
      const standing = await objects.stat(place);
      if (standing === undefined || this.#others.get(end) === standing.etag) return false;
      const found = await readManifest(objects, place);
      if (found === undefined) return false;
      if (isCommittedBy(found, target) !== "never") return true;
      this.#remember(end, found.etag);
      return false;
    } catch (thrown) {
      // No reason to fail a file that can be uploaded: the commit reads the manifest itself, and says what is wrong with it.
      if (thrown instanceof ObjectsError) return false;
      throw thrown;
    }
  }

  #remember(end: string, etag: string): void {
    if (this.#others.size >= REMEMBERED_MAX) this.#others.clear();
    this.#others.set(end, etag);
  }
}
