import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ErrorCode } from "../base/errors.ts";
import type { InputFile } from "../plan/task.ts";
import type { InputReader, InputStream, Inputs } from "./inputs.ts";

/** An implementation under test, with a fresh, empty directory of its own. */
export interface InputsHarness {
  readonly inputs: Inputs;
  /** Absolute. */
  readonly directory: string;
  /** @param name Relative to the directory; with `/` for directories in it. Replaces, with a newer time. */
  write(name: string, content: Uint8Array | string): void | Promise<void>;
  remove(name: string): void | Promise<void>;
  dispose(): void | Promise<void>;
}

/** What every implementation of `Inputs` must do. */
export function inputsContract(name: string, create: () => InputsHarness | Promise<InputsHarness>): void {
  describe(`${name} as inputs`, () => {
    let harness: InputsHarness;
    beforeEach(async () => {
      harness = await create();
    });
    afterEach(() => harness.dispose());

    const at = (path: string) => `${harness.directory}/${path}`;
    const names = async (...patterns: string[]) =>
      (await harness.inputs.list(patterns.map(at))).map((file) =>
        file.path.slice(harness.directory.length + 1),
      );
    const one = async (path: string): Promise<InputFile> => {
      const [file] = await harness.inputs.list([at(path)]);
      return file as InputFile;
    };
    const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode | "none"> =>
      promise.then(
        () => "none",
        (error) => error.code,
      );

    describe("list", () => {
      test("gives size and time of a path", async () => {
        await harness.write("a.txt", "héllo");
        const file = await one("a.txt");
        expect(file.path).toBe(at("a.txt"));
        expect(file.sizeBytes).toBe(6);
        expect(Number.isInteger(file.mtimeMs)).toBe(true);
      });

      test("finds all files below a directory, in code-unit order, without hidden ones", async () => {
        for (const path of ["d/b", "d/a/2", "d/a/1", "d/Z", "d/é", "d/.hidden", "d/.git/x", "d/a-"]) {
          await harness.write(path, "x");
        }
        expect(await names("d")).toEqual(["d/Z", "d/a-", "d/a/1", "d/a/2", "d/b", "d/é"]);
      });

      test("expands globs", async () => {
        for (const path of ["a.txt", "b.log", "sub/c.txt", "sub/deep/d.txt", ".e.txt"])
          await harness.write(path, "x");
        expect(await names("*.txt")).toEqual(["a.txt"]);
        expect(await names("**/*.txt")).toEqual(["a.txt", "sub/c.txt", "sub/deep/d.txt"]);
        expect(await names("{a,b}.*")).toEqual(["a.txt", "b.log"]);
        expect(await names("?.log")).toEqual(["b.log"]);
      });

      test("gives a file once, however often it is named", async () => {
        await harness.write("a", "x");
        await harness.write("b", "x");
        expect(await names("b", "a", "./a", "sub/../b", "*", "")).toEqual(["a", "b"]);
      });

      test("takes a path that exists literally, whatever it would match as a glob", async () => {
        await harness.write("a*.txt", "x");
        await harness.write("ab.txt", "x");
        await harness.write("[1].txt", "x");
        await harness.write("1.txt", "x");
        expect(await names("a*.txt", "[1].txt")).toEqual(["[1].txt", "a*.txt"]);
      });

      test("gives nothing twice for files whose names differ in case or form", async () => {
        await harness.write("nfc-\u00e9", "x");
        await harness.write("nfc-e\u0301", "x");
        expect(await names("nfc-*")).toEqual(["nfc-e\u0301", "nfc-\u00e9"]);
      });

      test.each([
        ["a path that is not there", "nowhere.txt"],
        ["a glob without a match", "*.parquet"],
        ["a file taken for a directory", "file/below"],
        ["a NUL", "a\0b"],
      ])("refuses %s", async (_, path) => {
        await harness.write("file", "x");
        expect(await codeOf(harness.inputs.list([at(path)]))).toBe("INPUT_NOT_FOUND");
      });

      test("refuses no path, an empty path, and a good one beside a bad one", async () => {
        await harness.write("good", "x");
        expect(await codeOf(harness.inputs.list([]))).toBe("INPUT_NOT_FOUND");
        expect(await codeOf(harness.inputs.list([""]))).toBe("INPUT_NOT_FOUND");
        expect(await codeOf(harness.inputs.list([at("good"), at("bad")]))).toBe("INPUT_NOT_FOUND");
      });

      test("refuses a directory that has only hidden files", async () => {
        await harness.write("d/.x", "x");
        expect(await codeOf(harness.inputs.list([at("d")]))).toBe("INPUT_NOT_FOUND");
      });
    });

    describe("open", () => {
      test("reads at any position, up to the end", async () => {
        await harness.write("a", "0123456789");
        const reader = await harness.inputs.open(await one("a"));
        expect(reader.bytes).toBe(10);
        expect(await readText(reader, 0, 4)).toBe("0123");
        expect(await readText(reader, 7, 9)).toBe("789");
        expect(await readText(reader, 3, 1)).toBe("3");
        expect(await readText(reader, 10, 5)).toBe("");
        expect(await readText(reader, 11, 5)).toBe("");
        expect(await readText(reader, 5, 0)).toBe("");
        reader.close();
        reader.close();
      });

      test("gives back every byte value", async () => {
        const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
        await harness.write("a", bytes);
        const reader = await harness.inputs.open(await one("a"));
        const target = new Uint8Array(256);
        expect(await reader.readAt(0, target)).toBe(256);
        expect(target).toEqual(bytes);
        reader.close();
      });

      test("opens an empty file", async () => {
        await harness.write("a", "");
        const reader = await harness.inputs.open(await one("a"));
        expect(reader.bytes).toBe(0);
        expect(await readText(reader, 0, 5)).toBe("");
        reader.close();
      });

      test("refuses a file that is another one by now, and one that is gone", async () => {
        await harness.write("a", "first");
        const listed = await one("a");
        await harness.write("a", "longer than before");
        expect(await codeOf(harness.inputs.open(listed))).toBe("INPUT_CHANGED");
        expect(await codeOf(harness.inputs.openGzip(listed))).toBe("INPUT_CHANGED");
        await harness.write("a", "other");
        expect(await codeOf(harness.inputs.open(listed))).toBe("INPUT_CHANGED");
        await harness.remove("a");
        expect(await codeOf(harness.inputs.open(listed))).toBe("INPUT_NOT_FOUND");
        expect(await codeOf(harness.inputs.openGzip(listed))).toBe("INPUT_NOT_FOUND");
      });

      test("notices a change between two reads", async () => {
        await harness.write("a", "first");
        const reader = await harness.inputs.open(await one("a"));
        expect(await readText(reader, 0, 5)).toBe("first");
        await harness.write("a", "other, and longer");
        expect(await codeOf((async () => reader.readAt(0, new Uint8Array(5)))())).toBe("INPUT_CHANGED");
        reader.close();
      });
    });

    describe("openGzip", () => {
      const text = "one line after another\n".repeat(20_000);
      const unpack = async (path: string) => readAll(await harness.inputs.openGzip(await one(path)));

      test("decompresses, and counts what it consumed", async () => {
        const packed = gzipSync(text);
        await harness.write("a.gz", packed);
        const stream = await harness.inputs.openGzip(await one("a.gz"));
        expect((await readAll(stream)).toString()).toBe(text);
        expect(stream.bytesConsumed).toBe(packed.length);
        expect(await stream.next()).toBeUndefined();
        stream.close();
        stream.close();
      });

      test("decompresses nothing", async () => {
        await harness.write("a.gz", gzipSync(""));
        expect((await unpack("a.gz")).length).toBe(0);
      });

      test("decompresses several members as one file", async () => {
        await harness.write(
          "a.gz",
          Buffer.concat(["one\n", "", "two\n", text].map((part) => gzipSync(part))),
        );
        expect((await unpack("a.gz")).toString()).toBe(`one\ntwo\n${text}`);
      });

      test("can be closed at any time", async () => {
        await harness.write("a.gz", gzipSync(text));
        (await harness.inputs.openGzip(await one("a.gz"))).close();
        const stream = await harness.inputs.openGzip(await one("a.gz"));
        expect((await stream.next())?.length).toBeGreaterThan(0);
        stream.close();
      });

      const packed = gzipSync("words and more words, none of them the same 0123456789\n".repeat(40));
      const flipped = (index: number) => packed.map((byte, at) => (at === index ? byte ^ 0xff : byte));
      test.each([
        ["a file of no bytes", new Uint8Array(0)],
        ["plain text", Buffer.from("this is no gzip file at all")],
        ["a header cut short", packed.subarray(0, 7)],
        ["a body cut short", packed.subarray(0, packed.length >> 1)],
        ["a trailer cut short", packed.subarray(0, packed.length - 1)],
        ["a second member cut short", Buffer.concat([packed, packed.subarray(0, 20)])],
        ["a wrong byte in the header", flipped(1)],
        ["a wrong checksum", flipped(packed.length - 8)],
        ["a wrong length", flipped(packed.length - 1)],
        ["text after the end", Buffer.concat([packed, Buffer.from("garbage")])],
      ])("refuses %s", async (_, bytes) => {
        await harness.write("bad.gz", bytes);
        const error = await unpack("bad.gz").catch((thrown) => thrown);
        expect(error.code).toBe("INPUT_CORRUPT");
        expect(error.message).toContain(at("bad.gz"));
        expect(error.details.byteOffset).toBeLessThanOrEqual(bytes.length);
      });
    });
  });
}

async function readText(reader: InputReader, position: number, length: number): Promise<string> {
  const target = new Uint8Array(length);
  const got = await reader.readAt(position, target);
  return Buffer.from(target.subarray(0, got)).toString();
}

async function readAll(stream: InputStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await stream.next();
    if (chunk === undefined) return Buffer.concat(chunks);
    expect(chunk.length).toBeGreaterThan(0);
    chunks.push(Buffer.from(chunk));
  }
}
