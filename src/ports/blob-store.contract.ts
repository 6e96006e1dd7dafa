import { afterEach, describe, expect, it } from "vitest";
import { type BlobStore, TAIL_BYTES_READY } from "./blob-store.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (content: Uint8Array): string => Buffer.from(content).toString();

/** What every blob store keeps to. `create` gives an empty store and what removes it. */
export function blobStoreContract(
  name: string,
  create: () => Promise<{ blobs: BlobStore; dispose(): Promise<void> }>,
): void {
  describe(`blob store contract: ${name}`, () => {
    const disposals: (() => Promise<void>)[] = [];
    const empty = async (): Promise<BlobStore> => {
      const made = await create();
      disposals.push(() => made.dispose());
      return made.blobs;
    };
    afterEach(async () => {
      for (const dispose of disposals.splice(0)) await dispose();
    });

    it("gives back what was put, and does not keep the caller's array", async () => {
      const blobs = await empty();
      const content = bytes("hello");
      await blobs.put("a/b", content);
      content.fill(0);
      expect(textOf(await blobs.get("a/b"))).toBe("hello");
      expect(await blobs.has("a/b")).toBe(true);
      expect(await blobs.has("a/c")).toBe(false);
    });

    it("takes the same bytes for the same key again", async () => {
      const blobs = await empty();
      await blobs.put("bundles/1", bytes("same"));
      await blobs.put("bundles/1", bytes("same"));
      expect(textOf(await blobs.get("bundles/1"))).toBe("same");
      expect(await blobs.list("")).toEqual(["bundles/1"]);
    });

    it("says which blob is missing", async () => {
      const blobs = await empty();
      await blobs.put("jobs/1/spec", bytes("x"));
      for (const key of ["nowhere", "jobs/1", "jobs/1/spec/below"]) {
        await expect(blobs.get(key), key).rejects.toMatchObject({ code: "BLOB_MISSING", details: { key } });
        await expect(blobs.open(key), key).rejects.toMatchObject({ code: "BLOB_MISSING", details: { key } });
        expect(await blobs.has(key), key).toBe(false);
      }
    });

    it("shows a growing blob only when it is committed", async () => {
      const blobs = await empty();
      const writer = blobs.create("blocks/b");
      const part = bytes("abc");
      writer.append(part);
      part.fill(0);
      writer.append(bytes("def"));
      expect(writer.bytes).toBe(6);
      expect(await blobs.has("blocks/b")).toBe(false);
      expect(await blobs.list("")).toEqual([]);
      await writer.commit();
      expect(textOf(await blobs.get("blocks/b"))).toBe("abcdef");
      writer.abort();
      expect(await blobs.has("blocks/b")).toBe(true);
    });

    it("leaves nothing of an aborted blob", async () => {
      const blobs = await empty();
      const writer = blobs.create("blocks/b");
      writer.append(bytes("abc"));
      writer.abort();
      writer.abort();
      expect(await blobs.has("blocks/b")).toBe(false);
      expect(await blobs.list("")).toEqual([]);
    });

    it("lets two writers of one key finish in any order", async () => {
      const blobs = await empty();
      const first = blobs.create("k");
      const second = blobs.create("k");
      first.append(bytes("same"));
      second.append(bytes("same"));
      await second.commit();
      await first.commit();
      expect(textOf(await blobs.get("k"))).toBe("same");
    });

    it("commits an empty blob", async () => {
      const blobs = await empty();
      await blobs.create("empty").commit();
      expect((await blobs.get("empty")).length).toBe(0);
      const reader = await blobs.open("empty");
      expect(reader.readAt(0, new Uint8Array(4))).toBe(0);
      reader.close();
    });

    it("reads at any position, and fewer bytes only at the end", async () => {
      const blobs = await empty();
      await blobs.put("k", bytes("0123456789"));
      const reader = await blobs.open("k");
      await reader.prepare([{ offset: 0, bytes: 10 }]);
      expect(reader.bytes).toBe(10);
      const target = new Uint8Array(4);
      expect(reader.readAt(3, target)).toBe(4);
      expect(textOf(target)).toBe("3456");
      expect(reader.readAt(8, target)).toBe(2);
      expect(textOf(target.subarray(0, 2))).toBe("89");
      expect(reader.readAt(10, target)).toBe(0);
      expect(reader.readAt(99, target)).toBe(0);
      reader.close();
    });

    it("reads its end at once, and what was prepared", async () => {
      const blobs = await empty();
      const content = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251);
      await blobs.put("k", content);
      const reader = await blobs.open("k");
      const at = (offset: number, length: number): Uint8Array => {
        const target = new Uint8Array(length);
        return target.subarray(0, reader.readAt(offset, target));
      };
      const tail = content.length - TAIL_BYTES_READY;
      expect(at(tail, TAIL_BYTES_READY)).toEqual(content.subarray(tail));
      const ranges = [
        { offset: 200_000, bytes: 10 },
        { offset: 5, bytes: 70_000 },
        { offset: 60_000, bytes: 20_000 },
        { offset: 299_990, bytes: 1000 },
        { offset: 400_000, bytes: 10 },
        { offset: 100_000, bytes: 0 },
      ];
      await reader.prepare([]);
      await reader.prepare(ranges.slice(0, 1));
      await reader.prepare(ranges);
      for (const { offset, bytes } of ranges)
        expect(at(offset, bytes)).toEqual(content.subarray(offset, offset + bytes));
      expect(at(200_002, 3)).toEqual(content.subarray(200_002, 200_005));
      expect(at(69_000, 5000)).toEqual(content.subarray(69_000, 74_000));
      reader.close();
    });

    it("lists in ascending order of code units, by any prefix", async () => {
      const blobs = await empty();
      for (const key of ["b/2", "a", "b/10", "b/1/x", "B/1", "bb"]) await blobs.put(key, bytes(key));
      expect(await blobs.list("")).toEqual(["B/1", "a", "b/1/x", "b/10", "b/2", "bb"]);
      expect(await blobs.list("b")).toEqual(["b/1/x", "b/10", "b/2", "bb"]);
      expect(await blobs.list("b/1")).toEqual(["b/1/x", "b/10"]);
      expect(await blobs.list("c")).toEqual([]);
      expect(await blobs.list("no/such/place/")).toEqual([]);
    });

    it("deletes what starts with a prefix, unfinished blobs too, and nothing else", async () => {
      const blobs = await empty();
      for (const key of ["jobs/1/a", "jobs/1/b/c", "jobs/10", "jobs/2/a"]) await blobs.put(key, bytes(key));
      blobs.create("jobs/1/unfinished").append(bytes("x"));
      await blobs.deleteAll("jobs/1/");
      expect(await blobs.list("")).toEqual(["jobs/10", "jobs/2/a"]);
      await blobs.deleteAll("jobs/1");
      expect(await blobs.list("")).toEqual(["jobs/2/a"]);
      await blobs.deleteAll("nothing/here/");
      await blobs.put("jobs/1/a", bytes("again"));
      expect(await blobs.list("jobs/1/")).toEqual(["jobs/1/a"]);
    });

    it("keeps what it is told to keep", async () => {
      const blobs = await empty();
      for (const key of ["k/1", "k/10", "k/2", "k/x/3", "other"]) await blobs.put(key, bytes(key));
      await blobs.deleteAll("k/", new Set(["k/1", "k/x/3", "k/not-there"]));
      expect(await blobs.list("")).toEqual(["k/1", "k/x/3", "other"]);
      expect(textOf(await blobs.get("k/x/3"))).toBe("k/x/3");
      await blobs.deleteAll("k/", new Set(["other"]));
      expect(await blobs.list("")).toEqual(["other"]);
    });

    it.each([
      "",
      "/a",
      "a/",
      "a//b",
      "..",
      "a/../b",
      "./a",
      "a b",
      "a\0b",
      "ä",
      "a\\b",
      "~",
      `a${"x".repeat(300)}`,
    ])("refuses the key %j", async (key) => {
      const blobs = await empty();
      await expect((async () => blobs.put(key, bytes("x")))()).rejects.toMatchObject({
        code: "STORE_UNAVAILABLE",
      });
      await expect((async () => blobs.get(key))()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await expect((async () => blobs.open(key))()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
      await expect((async () => blobs.create(key))()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    });
  });
}
