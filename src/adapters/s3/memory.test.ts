/** What is on its way to and from S3 keeps within a task's memory. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import { createFileScratch } from "../fs/scratch.ts";
import { createS3Inputs } from "./inputs.ts";
import { MemoryObjects } from "./memory-objects.ts";
import type { ByteRange } from "./objects.ts";
import { createS3Outputs } from "./outputs.ts";
import type { S3Place } from "./url.ts";

const MIB = 2 ** 20;

/** Counts the bytes of requests that are under way, each of which takes a turn. */
class CountingObjects extends MemoryObjects {
  mostRead = 0;
  mostSent = 0;
  readonly parts: number[] = [];
  #sending = 0;

  override async read(place: S3Place, etag: string, range: ByteRange): Promise<Uint8Array> {
    this.mostRead = Math.max(this.mostRead, range.bytes);
    return super.read(place, etag, range);
  }
  override async uploadPart(
    place: S3Place,
    upload: string,
    part: number,
    bytes: Uint8Array,
  ): Promise<string> {
    this.#sending += bytes.length;
    this.mostSent = Math.max(this.mostSent, this.#sending);
    this.parts.push(bytes.length);
    await new Promise((resolve) => setImmediate(resolve));
    this.#sending -= bytes.length;
    return super.uploadPart(place, upload, part, bytes);
  }
}

const cases = [
  { memoryBytes: 10 * MIB, window: (10 * MIB) / 16, part: 5 * MIB, atOnce: 1 },
  { memoryBytes: 28 * MIB, window: (28 * MIB) / 16, part: 7 * MIB, atOnce: 1 },
  { memoryBytes: 512 * MIB, window: 4 * MIB, part: 8 * MIB, atOnce: 2 },
];

test.each(cases)("of $memoryBytes bytes, windows that are read", async ({ memoryBytes, window }) => {
  const objects = new CountingObjects();
  const content = Buffer.alloc(20 * MIB, "0123456789");
  objects.put("k", content);
  const inputs = createS3Inputs(async () => objects, memoryBytes);
  const [file] = await inputs.list(["s3://b/k"]);
  const reader = await inputs.open(file!);
  const piece = new Uint8Array(64 * 1024);
  for (let at = 0; at < content.length; at += piece.length) {
    expect(await reader.readAt(at, piece)).toBe(Math.min(piece.length, content.length - at));
    expect(Buffer.compare(piece, content.subarray(at, at + piece.length))).toBe(0);
  }
  reader.close();
  expect(objects.mostRead).toBe(window);
});

test.each(cases)("of $memoryBytes bytes, parts that are uploaded", async ({ memoryBytes, part, atOnce }) => {
  const room = mkdtempSync(join(tmpdir(), "bicoastal-s3-memory-"));
  onTestFinished(() => rmSync(room, { recursive: true }));
  const objects = new CountingObjects();
  const outputs = createS3Outputs(createFileScratch(room), async () => objects, memoryBytes);
  const target = { job: jobId("j"), endIndex: 0, directory: "s3://b/out", overwrite: false };
  const writer = outputs.create(target, "s0.p00000.e1.a0.k0.txt");
  const piece = Buffer.alloc(MIB, "abc");
  for (let i = 0; i < 20; i++) writer.append(piece);
  const staged = await writer.close();
  await outputs.commit(target, [{ staged, name: "part-00000.txt", bytes: writer.bytes }]);
  expect([objects.mostSent, Math.max(...objects.parts)]).toEqual([atOnce * part, part]);
  const [, written] = [...objects.kept].find(([key]) => key.endsWith(".txt"))!;
  expect(Buffer.compare(written.bytes, Buffer.alloc(20 * MIB, piece))).toBe(0);
});
