/**
 * A bucket in memory, for tests that go through every fault of every request: quicker than any server, and held to the
 * same contract as the SDK on a real one.
 */
import { createHash } from "node:crypto";
import { type ByteRange, type ObjectStat, type Objects, ObjectsError, type Upload } from "./objects.ts";
import type { S3Place } from "./url.ts";

interface Kept {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly modifiedMs: number;
}

interface Begun {
  readonly key: string;
  readonly parts: Map<number, Kept>;
}

const PAGE_MAX = 2;

/** One bucket, whatever it is called. */
export class MemoryObjects implements Objects {
  readonly kept = new Map<string, Kept>();
  readonly begun = new Map<string, Begun>();
  #writes = 0;

  async stat({ key }: S3Place): Promise<ObjectStat | undefined> {
    const kept = this.kept.get(key);
    return kept === undefined ? undefined : statOf(key, kept);
  }

  async *list(_bucket: string, prefix: string): AsyncIterable<readonly ObjectStat[]> {
    const keys = [...this.kept.keys()].filter((key) => key.startsWith(prefix)).sort(byUtf8);
    for (let at = 0; at === 0 || at < keys.length; at += PAGE_MAX) {
      yield keys.slice(at, at + PAGE_MAX).flatMap((key) => {
        const kept = this.kept.get(key);
        return kept === undefined ? [] : [statOf(key, kept)];
      });
    }
  }

  async read({ key }: S3Place, etag: string, { start, bytes }: ByteRange): Promise<Uint8Array> {
    const kept = this.kept.get(key);
    if (kept === undefined) throw new ObjectsError("absent", "no such key");
    if (kept.etag !== etag) throw new ObjectsError("changed", "another version");
    return new Uint8Array(kept.bytes.subarray(start, start + bytes));
  }

  async readText({ key }: S3Place): Promise<{ text: string; etag: string } | undefined> {
    const kept = this.kept.get(key);
    return kept === undefined ? undefined : { text: Buffer.from(kept.bytes).toString(), etag: kept.etag };
  }

  async putIf({ key }: S3Place, text: string, etag: string | undefined): Promise<void> {
    if (this.kept.get(key)?.etag !== etag) throw new ObjectsError("changed", "the condition does not hold");
    this.put(key, Buffer.from(text));
  }

  /** As somebody else would. */
  put(key: string, bytes: Uint8Array): void {
    this.kept.set(key, this.#keep(bytes));
  }

  async remove({ key }: S3Place): Promise<void> {
    this.kept.delete(key);
  }

  async startUpload({ key }: S3Place): Promise<string> {
    const id = `upload-${++this.#writes}`;
    this.begun.set(id, { key, parts: new Map() });
    return id;
  }

  async uploadPart(place: S3Place, upload: string, part: number, bytes: Uint8Array): Promise<string> {
    const kept = this.#keep(bytes);
    this.#upload(place, upload).parts.set(part, kept);
    return kept.etag;
  }

  async completeUpload(place: S3Place, upload: string, etags: readonly string[]): Promise<void> {
    const { key, parts } = this.#upload(place, upload);
    const whole = etags.map((etag, index) => {
      const part = parts.get(index + 1);
      if (part?.etag !== etag) throw new ObjectsError("other", `part ${index + 1} is another`);
      return part.bytes;
    });
    this.put(key, Buffer.concat(whole));
    this.begun.delete(upload);
  }

  async abortUpload(_place: S3Place, upload: string): Promise<void> {
    this.begun.delete(upload);
  }

  async *uploads(_bucket: string, prefix: string): AsyncIterable<readonly Upload[]> {
    const all = [...this.begun].filter(([, { key }]) => key.startsWith(prefix));
    for (let at = 0; at === 0 || at < all.length; at += PAGE_MAX) {
      yield all.slice(at, at + PAGE_MAX).map(([id, { key }]) => ({ key, id }));
    }
  }

  #upload({ key }: S3Place, upload: string): Begun {
    const begun = this.begun.get(upload);
    if (begun?.key !== key) throw new ObjectsError("noUpload", "no such upload");
    return begun;
  }

  #keep(bytes: Uint8Array): Kept {
    const etag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    return { bytes: new Uint8Array(bytes), etag, modifiedMs: ++this.#writes };
  }
}

const statOf = (key: string, { bytes, etag, modifiedMs }: Kept): ObjectStat => ({
  key,
  bytes: bytes.length,
  etag,
  modifiedMs,
});

const byUtf8 = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
