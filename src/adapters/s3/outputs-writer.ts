/**
 * One attempt's file: kept in scratch until it is whole, then uploaded in parts that nobody sees before the commit.
 * Memory has one part at a time for each that is on its way, however large the file is; how large they are and how many go
 * at a time depends on what a task may use.
 */
import { assert } from "../../base/assert.ts";
import type { OutputTarget, OutputWriter } from "../../ports/outputs.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import { eachAtOnce } from "./at-once.ts";
import type { CommitsSeen } from "./commits-seen.ts";
import { writingTo } from "./errors.ts";
import type { Objects } from "./objects.ts";
import { receiptText } from "./output-names.ts";
import type { S3Place } from "./url.ts";

/** S3 takes no smaller part but the last. */
const PART_BYTES_MIN = 5 * 1024 * 1024;
/** Where memory is enough. */
const PART_BYTES = 8 * 1024 * 1024;
/** S3 takes 10,000; what the parts are called goes into the job's log, so there are fewer, and larger ones. */
const PARTS_MAX = 1000;
const PARTS_AT_ONCE = 2;
/** In the receipt of a file that nobody needs, and that was not sent. */
const NO_PART = "none";
/** Of a task's memory, for the parts that are on their way: by then most of the rest is free. */
const PARTS_PART = 1 / 4;

export interface S3WriterOptions {
  readonly open: () => Promise<Objects>;
  readonly place: S3Place;
  readonly staged: string;
  readonly target: OutputTarget;
  readonly scratch: Scratch;
  readonly commits: CommitsSeen;
  /** What one task may use. */
  readonly memoryBytes: number;
}

export class S3OutputWriter implements OutputWriter {
  bytes = 0;
  readonly #options: S3WriterOptions;
  #file: ScratchFile | undefined;
  #state: "open" | "closing" | "ended" = "open";

  constructor(options: S3WriterOptions) {
    this.#options = options;
  }

  append(bytes: Uint8Array): void {
    assert(this.#state === "open", "a closed output file is not written to");
    this.#file ??= this.#options.scratch.create();
    this.#file.append(bytes);
    this.bytes += bytes.length;
  }

  close(): Promise<string> {
    assert(this.#state === "open", "an output file is closed once");
    this.#state = "closing";
    return writingTo(this.#options.target.directory, () => this.#send()).finally(() => this.#end());
  }

  abort(): void {
    // One that is being closed ends its upload itself: it fails, or the file is whole.
    if (this.#state === "open") this.#end();
  }

  async #send(): Promise<string> {
    const { open, place, staged, target, commits } = this.#options;
    const objects = await open();
    const upload = await objects.startUpload(place);
    try {
      // Asked when the upload has begun: a commit that shows its manifest later than that aborts it itself.
      if (await commits.hasCommitted(objects, target)) {
        await objects.abortUpload(place, upload);
        return receiptText({ upload, etags: [NO_PART], bytes: this.bytes, staged });
      }
      const etags = await this.#sendParts(objects, upload);
      return receiptText({ upload, etags, bytes: this.bytes, staged });
    } catch (thrown) {
      // What stays behind is aborted when the job ends.
      await objects.abortUpload(place, upload).catch(() => {});
      throw thrown;
    }
  }

  /** An empty file has one empty part, as an upload without any cannot be completed. */
  async #sendParts(objects: Objects, upload: string): Promise<readonly string[]> {
    const memoryBytes = this.#options.memoryBytes * PARTS_PART;
    const fitting = Math.min(PART_BYTES, Math.floor(memoryBytes));
    const partBytes = Math.max(PART_BYTES_MIN, fitting, Math.ceil(this.bytes / PARTS_MAX));
    const atOnce = Math.max(1, Math.min(PARTS_AT_ONCE, Math.floor(memoryBytes / partBytes)));
    const count = Math.max(1, Math.ceil(this.bytes / partBytes));
    const etags: string[] = [];
    const send = async (index: number): Promise<void> => {
      const start = index * partBytes;
      const part = Buffer.allocUnsafeSlow(Math.min(partBytes, this.bytes - start));
      this.#file?.readAt(start, part);
      etags[index] = await objects.uploadPart(this.#options.place, upload, index + 1, part);
    };
    await eachAtOnce(Array(count).keys(), send, atOnce);
    return etags;
  }

  #end(): void {
    this.#state = "ended";
    this.#file?.dispose();
    this.#file = undefined;
  }
}
