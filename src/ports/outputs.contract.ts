import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ErrorCode } from "../base/errors.ts";
import { jobId } from "../base/ids.ts";
import type { CommittedFile, Outputs, OutputTarget } from "./outputs.ts";

/** An implementation under test, with a place of its own that is empty. */
export interface OutputsHarness {
  readonly outputs: Outputs;
  /** Absolute; exists. */
  readonly root: string;
  /** Texts of the files of a directory by name, but of names that begin with `_`; undefined where there is none. */
  read(directory: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Everything directly in `root`, hidden names too, ascending. */
  namesInRoot(): Promise<readonly string[]>;
  /** Makes a directory with these files, as somebody else would. */
  makeForeign(directory: string, files: Readonly<Record<string, string>>): Promise<void>;
  dispose(): Promise<void>;
}

/** What every implementation of `Outputs` must do. */
export function outputsContract(name: string, create: () => Promise<OutputsHarness>): void {
  describe(`${name} as outputs`, () => {
    let harness: OutputsHarness;
    beforeEach(async () => {
      harness = await create();
    });
    afterEach(() => harness.dispose());

    const targetOf = (change: Partial<OutputTarget> = {}): OutputTarget => ({
      job: jobId("words-1"),
      endIndex: 0,
      directory: `${harness.root}/out`,
      overwrite: false,
      ...change,
    });
    const stage = async (target: OutputTarget, staged: string, text: string): Promise<CommittedFile> => {
      const writer = harness.outputs.create(target, staged);
      for (const piece of text.match(/.{1,3}/gs) ?? []) writer.append(Buffer.from(piece));
      const kept = await writer.close();
      expect(kept.endsWith(staged)).toBe(true);
      return { staged: kept, name: staged.replace("e1.a0.", "part-"), bytes: writer.bytes };
    };
    const codeOf = (promise: Promise<unknown>): Promise<ErrorCode | "none"> =>
      promise.then(
        () => "none",
        (error) => error.code ?? String(error),
      );
    const write = async (target: OutputTarget, text: string): Promise<void> => {
      await harness.outputs.commit(target, [await stage(target, "e1.a0.0", text)]);
    };

    test("shows nothing before the commit and exactly the committed files after it", async () => {
      const target = targetOf();
      await harness.outputs.check(target);
      const first = await stage(target, "e1.a0.0", "zero");
      await stage(target, "e1.a1.0", "loser");
      const second = await stage(target, "e1.a0.1", "");
      expect(await harness.read(target.directory)).toBeUndefined();
      await harness.outputs.commit(target, [first, second]);
      expect(await harness.read(target.directory)).toEqual({ "part-0": "zero", "part-1": "" });
      expect(await harness.namesInRoot()).toEqual(["out"]);
    });

    test("takes the bytes before append returns", async () => {
      const target = targetOf();
      const writer = harness.outputs.create(target, "a");
      const bytes = Buffer.from("one");
      writer.append(bytes);
      bytes.fill(0);
      const staged = await writer.close();
      expect(writer.bytes).toBe(3);
      await harness.outputs.commit(target, [{ staged, name: "a", bytes: 3 }]);
      expect(await harness.read(target.directory)).toEqual({ a: "one" });
    });

    test("commits an output without files", async () => {
      await harness.outputs.commit(targetOf(), []);
      expect(await harness.read(targetOf().directory)).toEqual({});
    });

    test("makes missing parents", async () => {
      const target = targetOf({ directory: `${harness.root}/a/b/out` });
      await harness.outputs.check(target);
      expect(await harness.namesInRoot()).toEqual([]);
      await write(target, "x");
      expect(await harness.read(target.directory)).toEqual({ "part-0": "x" });
    });

    test("commits again with the same outcome", async () => {
      const target = targetOf();
      const file = await stage(target, "e1.a0.0", "zero");
      await harness.outputs.commit(target, [file]);
      await harness.outputs.commit(target, [file]);
      expect(await harness.read(target.directory)).toEqual({ "part-0": "zero" });
      expect(await harness.namesInRoot()).toEqual(["out"]);
    });

    test.each([
      ["a new output", false],
      ["one that replaces another", true],
    ])("keeps nothing that is staged after the commit of %s", async (_, overwrite) => {
      if (overwrite) await write(targetOf({ job: jobId("words-0") }), "old");
      const target = targetOf({ overwrite });
      const early = harness.outputs.create(target, "e1.a1.0");
      early.append(Buffer.from("late"));
      const file = await stage(target, "e1.a0.0", "zero");
      await harness.outputs.commit(target, [file]);
      // What the commit has swept already may be lost to its attempt.
      await early.close().catch(() => {});
      await stage(target, "e1.a2.0", "later");
      const empty = harness.outputs.create(target, "e1.a3.0");
      expect(await empty.close()).toContain("e1.a3.0");
      const aborted = harness.outputs.create(target, "e1.a4.0");
      aborted.append(Buffer.from("half"));
      aborted.abort();
      expect(await harness.namesInRoot()).toEqual(["out"]);
      expect(await harness.read(target.directory)).toEqual({ "part-0": "zero" });
      await harness.outputs.commit(target, [file]);
      expect(await harness.namesInRoot()).toEqual(["out"]);
      expect(await harness.read(target.directory)).toEqual({ "part-0": "zero" });
    });

    test("keeps what is staged for another end, or by another job, beside what was committed", async () => {
      await write(targetOf(), "old");
      for (const next of [{ endIndex: 1 }, { job: jobId("words-2") }]) {
        const target = targetOf({ ...next, overwrite: true });
        await write(target, JSON.stringify(next));
        expect(await harness.read(target.directory)).toEqual({ "part-0": JSON.stringify(next) });
      }
    });

    test("refuses an existing directory unless it may be replaced", async () => {
      await write(targetOf(), "old");
      const next = { job: jobId("words-2") };
      expect(await codeOf(harness.outputs.check(targetOf(next)))).toBe("OUTPUT_EXISTS");
      expect(await codeOf(write(targetOf(next), "new"))).toBe("OUTPUT_EXISTS");
      expect(await harness.read(targetOf().directory)).toEqual({ "part-0": "old" });
      await harness.outputs.discard(targetOf(next));
      const target = targetOf({ ...next, overwrite: true });
      await harness.outputs.check(target);
      await write(target, "new");
      expect(await harness.read(target.directory)).toEqual({ "part-0": "new" });
      expect(await harness.namesInRoot()).toEqual(["out"]);
    });

    test("replaces an empty directory, and never one with somebody else's files", async () => {
      const empty = targetOf({ directory: `${harness.root}/empty`, overwrite: true });
      await harness.makeForeign(empty.directory, {});
      await harness.outputs.check(empty);
      await write(empty, "x");
      expect(await harness.read(empty.directory)).toEqual({ "part-0": "x" });

      const foreign = targetOf({ directory: `${harness.root}/photos`, overwrite: true });
      await harness.makeForeign(foreign.directory, { "cat.jpg": "meow" });
      expect(await codeOf(harness.outputs.check(foreign))).toBe("OUTPUT_EXISTS");
      expect(await codeOf(write(foreign, "x"))).toBe("OUTPUT_EXISTS");
      expect(await harness.read(foreign.directory)).toEqual({ "cat.jpg": "meow" });
    });

    test("does not replace an output to which somebody has added a file", async () => {
      const target = targetOf({ overwrite: true });
      await write(target, "old");
      await harness.makeForeign(target.directory, { "notes.txt": "mine" });
      const next = targetOf({ overwrite: true, job: jobId("words-2") });
      expect(await codeOf(harness.outputs.check(next))).toBe("OUTPUT_EXISTS");
      expect(await codeOf(write(next, "new"))).toBe("OUTPUT_EXISTS");
      expect(await harness.read(target.directory)).toEqual({ "part-0": "old", "notes.txt": "mine" });
    });

    test("fails where a staged file is missing or has another length, and can be called again", async () => {
      const target = targetOf();
      const file = await stage(target, "e1.a0.0", "zero");
      const missing = { staged: "e1.a0.9", name: "part-9", bytes: 1 };
      expect(await codeOf(harness.outputs.commit(target, [file, missing]))).toBe("OUTPUT_FAILED");
      expect(await codeOf(harness.outputs.commit(target, [{ ...file, bytes: 5 }]))).toBe("OUTPUT_FAILED");
      expect(await harness.read(target.directory)).toBeUndefined();
      await harness.outputs.commit(target, [file]);
      expect(await harness.read(target.directory)).toEqual({ "part-0": "zero" });
    });

    test("leaves nothing of an aborted file", async () => {
      const target = targetOf();
      const writer = harness.outputs.create(target, "e1.a0.0");
      writer.append(Buffer.from("half"));
      writer.abort();
      writer.abort();
      const lost = { staged: "e1.a0.0", name: "part-0", bytes: 4 };
      expect(await codeOf(harness.outputs.commit(target, [lost]))).toBe("OUTPUT_FAILED");
    });

    test("keeps a closed file that is aborted", async () => {
      const target = targetOf();
      const writer = harness.outputs.create(target, "a");
      writer.append(Buffer.from("whole"));
      const staged = await writer.close();
      writer.abort();
      await harness.outputs.commit(target, [{ staged, name: "a", bytes: 5 }]);
      expect(await harness.read(target.directory)).toEqual({ a: "whole" });
    });

    test("discards what is staged, and leaves the target alone", async () => {
      await write(targetOf(), "old");
      const next = targetOf({ overwrite: true, job: jobId("words-2") });
      await stage(next, "e1.a0.0", "new");
      await harness.outputs.discard(next);
      await harness.outputs.discard(next);
      expect(await harness.read(targetOf().directory)).toEqual({ "part-0": "old" });
      expect(await harness.namesInRoot()).toEqual(["out"]);
    });

    test("keeps the ends of a job and the jobs of a directory apart", async () => {
      const here = targetOf();
      const there = targetOf({ endIndex: 1, directory: `${harness.root}/other` });
      const files = [await stage(here, "e1.a0.0", "here"), await stage(there, "e1.a0.0", "there")];
      await harness.outputs.commit(here, [files[0]!]);
      await harness.outputs.commit(there, [files[1]!]);
      expect(await harness.read(here.directory)).toEqual({ "part-0": "here" });
      expect(await harness.read(there.directory)).toEqual({ "part-0": "there" });
    });
  });
}
