import { describe, expect, test } from "vitest";
import type { Objects } from "./objects.ts";

/** A bucket that exists, and a prefix in it that nobody else uses. */
export interface ObjectsHarness {
  readonly objects: Objects;
  readonly bucket: string;
  /** Ends with a slash. */
  readonly prefix: string;
  /** Writes as somebody else would, over whatever stands there. */
  write(key: string, content: Uint8Array | string): Promise<void>;
}

/** What the commit and the readers rely on. */
export function objectsContract(name: string, create: () => Promise<ObjectsHarness>): void {
  describe(`${name} as objects`, () => {
    const made = async () => {
      const harness = await create();
      const { objects, bucket, prefix } = harness;
      const at = (key: string) => ({ bucket, key: `${prefix}${key}` });
      const keys = async () => {
        const found: string[] = [];
        for await (const page of objects.list(bucket, prefix)) found.push(...page.map(({ key }) => key));
        return found.map((key) => key.slice(prefix.length));
      };
      const uploads = async () => {
        const found: string[] = [];
        for await (const page of objects.uploads(bucket, prefix)) found.push(...page.map(({ id }) => id));
        return found;
      };
      const put = (key: string, content: Uint8Array | string) => harness.write(`${prefix}${key}`, content);
      return { objects, at, put, keys, uploads };
    };
    const signal = new AbortController().signal;
    const troubleOf = (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => "none",
        (error) => error.trouble ?? String(error),
      );

    test("says what it has, and what not", async () => {
      const { objects, at, put, keys } = await made();
      expect(await objects.stat(at("a"))).toBeUndefined();
      expect(await objects.readText(at("a"))).toBeUndefined();
      await put("a", "one");
      const stat = await objects.stat(at("a"));
      expect(stat).toMatchObject({ key: at("a").key, bytes: 3 });
      expect(await objects.readText(at("a"))).toEqual({ text: "one", etag: stat?.etag });
      await objects.remove(at("a"));
      await objects.remove(at("a"));
      expect(await keys()).toEqual([]);
    });

    test("lists all keys of a prefix, whatever is in them", async () => {
      const { at, put, objects, keys } = await made();
      const names = ["b?x", "a*b", "é", "sub/a b", "#+%20", "z&<>", "sub/"];
      for (const name of names) await put(name, "x");
      expect((await keys()).sort()).toEqual([...names].sort());
      const [first] = await firstPage(objects.list(at("").bucket, at("é").key));
      expect(first).toEqual(
        await objects.stat(at("é")).then((stat) => ({ ...stat, modifiedMs: expect.any(Number) })),
      );
    });

    test("reads ranges of the version that is asked for, and of no other", async () => {
      const { objects, at, put } = await made();
      await put("a", "0123456789");
      const { etag } = (await objects.stat(at("a")))!;
      const read = async (start: number, bytes: number) =>
        Buffer.from(await objects.read(at("a"), etag, { start, bytes }, signal)).toString();
      expect(await read(0, 10)).toBe("0123456789");
      expect(await read(3, 4)).toBe("3456");
      await put("a", "9876543210");
      expect(await troubleOf(read(0, 10))).toBe("changed");
      await objects.remove(at("a"));
      expect(await troubleOf(read(0, 10))).toBe("absent");
    });

    test("writes only where what was expected stands", async () => {
      const { objects, at } = await made();
      await objects.putIf(at("m"), "one", undefined);
      expect(await troubleOf(objects.putIf(at("m"), "two", undefined))).toBe("changed");
      const first = (await objects.readText(at("m")))!;
      expect(first.text).toBe("one");
      await objects.putIf(at("m"), "two", first.etag);
      expect(await troubleOf(objects.putIf(at("m"), "three", first.etag))).toBe("changed");
      expect(await objects.readText(at("m"))).toMatchObject({ text: "two" });
      await objects.remove(at("m"));
      expect(await troubleOf(objects.putIf(at("m"), "four", first.etag))).not.toBe("none");
      expect(await objects.stat(at("m"))).toBeUndefined();
    });

    test("lets one of many win who write where nothing stands", async () => {
      const { objects, at } = await made();
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => troubleOf(objects.putIf(at("m"), `${index}`, undefined))),
      );
      expect(outcomes.sort()).toEqual([...Array(7).fill("changed"), "none"]);
    });

    test("shows an upload only when it is completed", async () => {
      const { objects, at, keys, uploads } = await made();
      const id = await objects.startUpload(at("u"));
      const parts = [Buffer.alloc(5 * 1024 * 1024, "a"), Buffer.from("end")];
      const second = await objects.uploadPart(at("u"), id, 2, parts[1]!);
      const first = await objects.uploadPart(at("u"), id, 1, parts[0]!);
      expect(await keys()).toEqual([]);
      expect(await uploads()).toEqual([id]);
      await objects.completeUpload(at("u"), id, [first, second]);
      expect(await uploads()).toEqual([]);
      const { etag, bytes } = (await objects.stat(at("u")))!;
      expect(bytes).toBe(parts[0]!.length + 3);
      const tail = await objects.read(at("u"), etag, { start: bytes - 5, bytes: 5 }, signal);
      expect(Buffer.from(tail).toString()).toBe("aaend");
    });

    test("uploads nothing as an object", async () => {
      const { objects, at } = await made();
      const id = await objects.startUpload(at("u"));
      await objects.completeUpload(at("u"), id, [
        await objects.uploadPart(at("u"), id, 1, new Uint8Array(0)),
      ]);
      expect(await objects.stat(at("u"))).toMatchObject({ bytes: 0 });
    });

    test("never completes what was aborted", async () => {
      const { objects, at, keys, uploads } = await made();
      const id = await objects.startUpload(at("u"));
      const etag = await objects.uploadPart(at("u"), id, 1, Buffer.from("x"));
      await objects.abortUpload(at("u"), id);
      await objects.abortUpload(at("u"), id);
      expect(await troubleOf(objects.uploadPart(at("u"), id, 1, Buffer.from("x")))).toBe("noUpload");
      // Servers differ in what they call it.
      expect(await troubleOf(objects.completeUpload(at("u"), id, [etag]))).not.toBe("none");
      expect(await uploads()).toEqual([]);
      expect(await keys()).toEqual([]);
    });
  });
}

async function firstPage<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  for await (const page of pages) return page;
  return [];
}
