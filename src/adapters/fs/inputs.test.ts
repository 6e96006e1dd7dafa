import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { constants, createGzip, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { inputsContract } from "../../ports/inputs.contract.ts";
import { createFileInputs } from "./inputs.ts";

/** Files get ever later times, as the file system's own clock may not move between two writes. */
let writes = 0;
const makeDirectory = () => realpathSync(mkdtempSync(join(tmpdir(), "bicoastal-inputs-")));

inputsContract("files", () => {
  const directory = makeDirectory();
  return {
    inputs: createFileInputs(),
    directory,
    write: (name, content) => {
      const path = join(directory, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      writes += 1;
      utimesSync(path, writes, writes);
    },
    remove: (name) => rmSync(join(directory, name)),
    dispose: () => rmSync(directory, { recursive: true }),
  };
});

describe("what a job wrote", () => {
  const directory = makeDirectory();
  afterAll(() => rmSync(directory, { recursive: true }));
  const [marker, part] = ["_bicoastal.json", "part-00000.jsonl"].map((name) => join(directory, name));
  for (const file of [marker!, part!]) writeFileSync(file, "{}\n");

  test.each([directory, join(directory, "*"), join(directory, "**")])(
    "is read without its marker: %s",
    async (pattern) => {
      const files = await createFileInputs().list([pattern]);
      expect(files.map(({ path }) => path)).toEqual([part]);
    },
  );

  test("has its marker read where just that is named", async () => {
    expect((await createFileInputs().list([marker!])).map(({ path }) => path)).toEqual([marker]);
  });
});

describe("files", () => {
  let directory: string;
  const inputs = createFileInputs();
  beforeEach(() => {
    directory = makeDirectory();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const failure = async (...patterns: string[]) =>
    inputs.list(patterns).then(
      () => undefined,
      (error) => error,
    );

  test("starts relative patterns at the working directory it was given", async () => {
    mkdirSync(join(directory, "sub"));
    writeFileSync(join(directory, "sub", "a.txt"), "x");
    const from = createFileInputs(join(directory, "sub"));
    for (const pattern of ["a.txt", "./a.txt", "*.txt", "./*.txt", "../sub/*.txt", "../**/*.txt", "."]) {
      expect((await from.list([pattern])).map((file) => file.path)).toEqual([
        join(directory, "sub", "a.txt"),
      ]);
    }
  });

  test("follows links to files and directories, and survives a link back", async () => {
    mkdirSync(join(directory, "real"));
    mkdirSync(join(directory, "d"));
    writeFileSync(join(directory, "real", "a"), "x");
    symlinkSync(join(directory, "real"), join(directory, "d", "linked"));
    writeFileSync(join(directory, "one"), "x");
    symlinkSync(join(directory, "one"), join(directory, "d", "file"));
    symlinkSync(join(directory, "d"), join(directory, "d", "back"));
    for (const pattern of [join(directory, "d"), join(directory, "d", "**")]) {
      const found = await inputs.list([pattern]);
      expect(found.map((file) => file.path).sort()).toEqual([
        expect.stringMatching(/d\/(back\/)*file$/),
        expect.stringMatching(/d\/(back\/)*linked\/a$/),
      ]);
    }
  });

  test("lists a file once, at the first of the paths that links give it", async () => {
    mkdirSync(join(directory, "d", "a"), { recursive: true });
    writeFileSync(join(directory, "d", "f.txt"), "x");
    writeFileSync(join(directory, "d", "a", "g.txt"), "x");
    symlinkSync("..", join(directory, "d", "a", "loop"));
    symlinkSync("f.txt", join(directory, "d", "z.txt"));
    const list = async (...names: string[]) =>
      (await inputs.list(names.map((name) => join(directory, name)))).map((file) =>
        file.path.slice(directory.length + 1),
      );
    expect(await list("d")).toEqual(["d/a/g.txt", "d/f.txt"]);
    expect(await list("d/**")).toEqual(["d/a/g.txt", "d/a/loop/f.txt"]);
    expect(await list("d/z.txt", "d/f.txt", "d/*.txt")).toEqual(["d/f.txt"]);
    expect(await list("d/z.txt")).toEqual(["d/z.txt"]);
  });

  test("refuses a dangling link, named or found below a directory", async () => {
    symlinkSync("nowhere", join(directory, "dangling"));
    writeFileSync(join(directory, "a"), "x");
    for (const path of [join(directory, "dangling"), directory]) {
      const error = await failure(path);
      expect(error.code).toBe("INPUT_UNREADABLE");
      expect(error.message).toContain('symbolic link to "nowhere"');
    }
  });

  // Other systems take no such names.
  test.runIf(process.platform === "linux")("says of a name that is not UTF-8 what is wrong", async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${directory}/a`), Buffer.from([0xff])]), "x");
    for (const pattern of [directory, join(directory, "*")]) {
      const error = await failure(pattern);
      expect(error.code).toBe("INPUT_UNREADABLE");
      expect(error.message).toContain("not UTF-8");
    }
  });

  test("refuses a pipe without waiting for its writer", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const error = await failure(pipe);
    expect(error.code).toBe("INPUT_UNREADABLE");
    expect(error.message).toContain("is a pipe");
    const opened = inputs.open({ path: pipe, sizeBytes: 0, mtimeMs: 0 });
    await expect(opened).rejects.toMatchObject({ code: "INPUT_UNREADABLE" });
  });

  test("refuses a device", async () => {
    expect(await failure("/dev/zero")).toMatchObject({ code: "INPUT_UNREADABLE" });
  });

  test("refuses a directory opened as a file", async () => {
    const opened = inputs.open({ path: directory, sizeBytes: 0, mtimeMs: 0 });
    await expect(opened).rejects.toMatchObject({ code: "INPUT_UNREADABLE" });
  });

  test("says of an endless path and of a negated glob what is wrong", async () => {
    const endless = await failure("x".repeat(10 * 1024 * 1024));
    expect(endless.code).toBe("INPUT_NOT_FOUND");
    expect(endless.message.length).toBeLessThan(1000);
    const negated = await failure("!*.txt");
    expect(negated.code).toBe("INPUT_NOT_FOUND");
    expect(negated.message).toContain('begins with "!"');
  });

  test("says that a glob which matches only directories needs /**", async () => {
    mkdirSync(join(directory, "2024", "01"), { recursive: true });
    writeFileSync(join(directory, "2024", "01", "a"), "x");
    const error = await failure(join(directory, "20*"));
    expect(error.code).toBe("INPUT_NOT_FOUND");
    expect(error.message).toContain("/**");
    const [found] = await inputs.list([join(directory, "20*/**")]);
    expect(found?.path).toBe(join(directory, "2024", "01", "a"));
  });

  test("refuses a file that was cut short, even with its old time", async () => {
    const path = join(directory, "a");
    writeFileSync(path, "0123456789");
    utimesSync(path, 5, 5);
    const [file] = await inputs.list([path]);
    const reader = await inputs.open(file!);
    writeFileSync(path, "0123");
    utimesSync(path, 5, 5);
    expect(() => reader.readAt(0, new Uint8Array(10))).toThrow(
      expect.objectContaining({ code: "INPUT_CHANGED" }),
    );
    reader.close();
  });

  test("takes zeros after the last gzip member as padding, and refuses anything after them", async () => {
    const path = join(directory, "a.gz");
    const packed = gzipSync("text\n");
    const unpack = async () => {
      const [file] = await inputs.list([path]);
      const stream = await inputs.openGzip(file!);
      const chunks: Buffer[] = [];
      try {
        for (let chunk = await stream.next(); chunk !== undefined; chunk = await stream.next()) {
          chunks.push(Buffer.from(chunk));
        }
      } finally {
        stream.close();
      }
      return Buffer.concat(chunks).toString();
    };
    writeFileSync(path, Buffer.concat([packed, Buffer.alloc(100_000)]));
    expect(await unpack()).toBe("text\n");
    writeFileSync(path, Buffer.concat([packed, Buffer.alloc(100_000), packed]));
    const error = await unpack().catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: "INPUT_CORRUPT",
      details: { file: path, byteOffset: packed.length + 100_000 },
    });
  });

  test("holds only a few chunks of a gzip file that swells a thousandfold", async () => {
    const path = join(directory, "bomb.gz");
    const plainBytes = 512 * 1024 * 1024;
    await writeBomb(path, plainBytes);
    const [file] = await inputs.list([path]);
    expect(file!.sizeBytes).toBeLessThan(plainBytes / 900);
    const stream = await inputs.openGzip(file!);
    const before = process.memoryUsage().rss;
    let largest = 0;
    let total = 0;
    for (let chunk = await stream.next(); chunk !== undefined; chunk = await stream.next()) {
      total += chunk.length;
      largest = Math.max(largest, process.memoryUsage().rss);
      // A slow reader: without back-pressure everything would be unpacked meanwhile.
      if (total % (64 << 20) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    stream.close();
    expect(total).toBe(plainBytes);
    expect(largest - before).toBeLessThan(plainBytes / 2);
  });
});

async function writeBomb(path: string, plainBytes: number): Promise<void> {
  const gzip = createGzip({ level: constants.Z_BEST_COMPRESSION });
  const zeros = Buffer.alloc(1 << 20);
  const chunks: Buffer[] = [];
  gzip.on("data", (chunk) => chunks.push(chunk));
  for (let written = 0; written < plainBytes; written += zeros.length) {
    await new Promise<void>((resolve) => gzip.write(zeros, () => resolve()));
  }
  gzip.end();
  await once(gzip, "end");
  writeFileSync(path, Buffer.concat(chunks));
}
