import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import { outputsContract } from "../../ports/outputs.contract.ts";
import type { CommittedFile, OutputTarget } from "../../ports/outputs.ts";
import { createFileOutputs } from "./outputs.ts";
import { type OutputFiles, outputFiles } from "./outputs-files.ts";

const freshDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), "bicoastal-outputs-"));

async function readAll(directory: string): Promise<Record<string, string> | undefined> {
  try {
    const names = (await readdir(directory)).filter((name) => !name.startsWith("_"));
    const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
    return Object.fromEntries(names.map((name, index) => [name, texts[index]!]));
  } catch {
    return undefined;
  }
}

outputsContract("files", async () => {
  const root = await freshDirectory();
  return {
    outputs: createFileOutputs(),
    root,
    read: readAll,
    namesInRoot: async () => (await readdir(root)).sort(),
    async makeForeign(directory, files) {
      await mkdir(directory, { recursive: true });
      for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    },
    dispose: () => rm(root, { recursive: true }),
  };
});

describe("output directories on a file system", () => {
  let root: string;
  beforeEach(async () => {
    root = await freshDirectory();
  });
  afterEach(() => rm(root, { recursive: true }));

  const targetOf = (directory: string, change: Partial<OutputTarget> = {}): OutputTarget => {
    return { job: jobId("job-b"), endIndex: 0, directory, overwrite: true, ...change };
  };
  const refusal = (directory: string, overwrite = true) =>
    createFileOutputs()
      .check(targetOf(directory, { overwrite }))
      .then(
        () => "none",
        (error) => `${error.code}: ${error.message}`,
      );

  test("takes large files, whose bytes are on their way to the disk before the file is closed, and leaves none aborted", async () => {
    const target = targetOf(join(root, "out"));
    const outputs = createFileOutputs();
    const [kept, dropped] = [outputs.create(target, "kept"), outputs.create(target, "dropped")];
    const piece = (at: number): Buffer => Buffer.alloc(3 * 1024 * 1024, 97 + at);
    for (let at = 0; at < 14; at++) for (const file of [kept, dropped]) file.append(piece(at));
    dropped.abort();
    await kept.close();
    await outputs.commit(target, [{ staged: "kept", name: "part", bytes: kept.bytes }]);
    const written = await readFile(join(root, "out", "part"));
    expect(written.equals(Buffer.concat(Array.from({ length: 14 }, (_, at) => piece(at))))).toBe(true);
    expect(await readdir(root)).toEqual(["out"]);
    expect((await readdir(join(root, "out"))).filter((name) => !name.startsWith("_"))).toEqual(["part"]);
  });

  test("refuses places that nobody means to replace, even with overwrite", async () => {
    expect(await refusal("/")).toMatch(/^OUTPUT_FAILED.*root of the file system/);
    expect(await refusal(process.cwd())).toMatch(/^OUTPUT_FAILED.*is the working directory/);
    expect(await refusal(`${process.cwd()}/x/..`)).toMatch(/^OUTPUT_FAILED.*is the working directory/);
    expect(await refusal(dirname(process.cwd()))).toMatch(/^OUTPUT_FAILED.*contains the working directory/);
    expect(await refusal(homedir())).toMatch(/^OUTPUT_FAILED.*home directory/);
  });

  test("refuses what is no directory, and paths through a file", async () => {
    await writeFile(join(root, "file"), "x");
    await symlink(root, join(root, "link"));
    await symlink(join(root, "nowhere"), join(root, "dangling"));
    expect(await refusal(join(root, "file"))).toMatch(/^OUTPUT_EXISTS.*not a directory/);
    expect(await refusal(join(root, "link"))).toMatch(/^OUTPUT_EXISTS.*symbolic link/);
    expect(await refusal(join(root, "dangling"))).toMatch(/^OUTPUT_EXISTS.*symbolic link/);
    expect(await refusal(join(root, "file/out"))).toMatch(/^OUTPUT_FAILED.*ENOTDIR/);
    expect(await refusal(join(root, "nul\0/out"))).toMatch(/^OUTPUT_FAILED/);
    await mkdir(join(root, "dir"));
    expect(await refusal(join(root, "dir"), false)).toMatch(/^OUTPUT_EXISTS.*overwrite/);
  });

  test.runIf(process.platform === "linux")("says so where nobody can make directories", () => {
    const make = () => createFileOutputs().create(targetOf("/proc/out/put"), "a");
    expect(make).toThrow(expect.objectContaining({ code: "OUTPUT_FAILED" }));
  });

  test("takes a broken marker for nobody's", async () => {
    await mkdir(join(root, "out"));
    await writeFile(join(root, "out", "_bicoastal.json"), '{"version":1,"job":');
    expect(await refusal(join(root, "out"))).toMatch(/^OUTPUT_EXISTS/);
  });

  test("takes long names, in any script", async () => {
    const directory = join(root, "é".repeat(120));
    const target = targetOf(directory, { job: jobId(`${"n".repeat(60)}-0123456789`) });
    const writer = createFileOutputs().create(target, "a");
    await writer.close();
    await createFileOutputs().commit(target, [{ staged: "a", name: "part-00000", bytes: 0 }]);
    expect(await readAll(directory)).toEqual({ "part-00000": "" });
  });

  /** Steps through every crash: before the k-th operation, for every k, until none is left to fail. */
  async function crashEverywhere(
    prepare: () => Promise<{ target: OutputTarget; files: readonly CommittedFile[] }>,
    afterCrash: (target: OutputTarget, files: readonly CommittedFile[]) => Promise<void>,
  ): Promise<number> {
    for (let survived = 0; ; survived++) {
      const { target, files } = await prepare();
      const failing = createFileOutputs(failAfter(survived));
      const crashed = await failing.commit(target, files).then(
        () => false,
        () => true,
      );
      await afterCrash(target, files);
      await rm(target.directory, { recursive: true, force: true });
      if (!crashed) return survived;
    }
  }

  const stageTwo = async (target: OutputTarget): Promise<CommittedFile[]> => {
    const files: CommittedFile[] = [];
    for (const index of [0, 1]) {
      const writer = createFileOutputs().create(target, `p${index}.a0`);
      writer.append(Buffer.from(`new ${index}`));
      await writer.close();
      files.push({ staged: `p${index}.a0`, name: `part-${index}`, bytes: 5 });
    }
    const loser = createFileOutputs().create(target, "p1.a1");
    await loser.close();
    return files;
  };
  const fresh = async () => {
    const target = targetOf(join(root, "out"), { overwrite: false });
    return { target, files: await stageTwo(target) };
  };
  const replacing = async () => {
    const directory = join(root, "out");
    const old = targetOf(directory, { job: jobId("job-a") });
    await createFileOutputs().create(old, "x").close();
    await createFileOutputs().commit(old, [{ staged: "x", name: "part-0", bytes: 0 }]);
    const target = targetOf(directory);
    return { target, files: await stageTwo(target) };
  };
  const isWholeOld = (files: unknown) => JSON.stringify(files) === '{"part-0":""}';

  test.each([
    ["a new output", fresh],
    ["one that replaces another", replacing],
  ])("committing %s again after a crash at any step completes it", async (_, prepare) => {
    const steps = await crashEverywhere(prepare, async (target, files) => {
      await createFileOutputs().commit(target, files);
      expect(await readAll(target.directory)).toEqual({ "part-0": "new 0", "part-1": "new 1" });
      expect(await readdir(root)).toEqual(["out"]);
    });
    expect(steps).toBeGreaterThanOrEqual(10);
  });

  test.each([
    ["a new output", fresh],
    ["one that replaces another", replacing],
  ])("a crash at two steps running while committing %s is mended too", async (_, prepare) => {
    for (let second = 0; second < 20; second += 3) {
      await crashEverywhere(prepare, async (target, files) => {
        await createFileOutputs(failAfter(second))
          .commit(target, files)
          .catch(() => {});
        await createFileOutputs().commit(target, files);
        expect(await readAll(target.directory)).toEqual({ "part-0": "new 0", "part-1": "new 1" });
        expect(await readdir(root)).toEqual(["out"]);
      });
    }
  });

  test("discarding after a crash at any step leaves the old output whole, or the new one", async () => {
    const seen = new Set<string>();
    await crashEverywhere(replacing, async (target) => {
      await createFileOutputs().discard(target);
      const files = await readAll(target.directory);
      seen.add(isWholeOld(files) ? "old" : "new");
      if (!isWholeOld(files)) expect(files).toEqual({ "part-0": "new 0", "part-1": "new 1" });
      expect(await readdir(root)).toEqual(["out"]);
    });
    expect([...seen].sort()).toEqual(["new", "old"]);
  });

  test("a late attempt leaves alone what another one still has in staging, and the commit's repetition removes it", async () => {
    const { target, files } = await fresh();
    const [staging] = await readdir(root);
    const outputs = createFileOutputs();
    await outputs.commit(target, files);
    await mkdir(join(root, staging!));
    await writeFile(join(root, staging!, "other"), "x");
    await outputs.create(target, "late").close();
    expect(await readdir(join(root, staging!))).toEqual(["other"]);
    await outputs.commit(target, files);
    expect(await readdir(root)).toEqual(["out"]);
  });

  test("a late attempt that cannot make its file goes on, and one that is not late is told", async () => {
    const { target, files } = await fresh();
    const [staging] = await readdir(root);
    const outputs = createFileOutputs();
    await outputs.commit(target, files);
    // Stands for a directory that goes as soon as it is made.
    await writeFile(join(root, staging!), "no directory");
    const late = outputs.create(target, "late");
    late.append(Buffer.from("text"));
    expect([await late.close(), late.bytes]).toEqual(["late", 4]);
    await rm(target.directory, { recursive: true });
    expect(() => outputs.create(target, "late")).toThrow(expect.objectContaining({ code: "OUTPUT_FAILED" }));
  });

  test.runIf(existsSync("/dev/full"))("a disk that is full while a task writes is told, too", async () => {
    const target = targetOf(join(root, "out"));
    await createFileOutputs().create(target, "first").close();
    const [staging] = await readdir(root);
    await symlink("/dev/full", join(root, staging!, "second"));
    const writer = createFileOutputs().create(target, "second");
    expect(() => writer.append(Buffer.from("x"))).toThrow(expect.objectContaining({ code: "DISK_FULL" }));
    writer.abort();
    expect(await readdir(join(root, staging!))).toEqual(["first"]);
  });

  test("a full disk is told from other failures", async () => {
    const { target, files } = await fresh();
    const full = (): Promise<never> =>
      Promise.reject(Object.assign(new Error("no space"), { code: "ENOSPC" }));
    const outputs = createFileOutputs({ ...outputFiles, writeText: full });
    await expect(outputs.commit(target, files)).rejects.toMatchObject({ code: "DISK_FULL", retryable: true });
  });
});

/** Does so many operations that change something, then fails before each further one, as if switched off. */
function failAfter(count: number): OutputFiles {
  let left = count;
  const guard = <Args extends unknown[], T>(action: (...args: Args) => Promise<T>) => {
    return async (...args: Args): Promise<T> => {
      if (left-- <= 0) throw new Error("switched off");
      return action(...args);
    };
  };
  return {
    ...outputFiles,
    makeDirectory: guard(outputFiles.makeDirectory),
    rename: guard(outputFiles.rename),
    writeText: guard(outputFiles.writeText),
    removeFile: guard(outputFiles.removeFile),
    removeDirectory: guard(outputFiles.removeDirectory),
    syncDirectory: guard(outputFiles.syncDirectory),
  };
}
