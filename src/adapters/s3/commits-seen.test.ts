import { beforeEach, describe, expect, test } from "vitest";
import { jobId } from "../../base/ids.ts";
import type { OutputTarget } from "../../ports/outputs.ts";
import { CommitsSeen } from "./commits-seen.ts";
import { type Manifest, manifestText } from "./manifest.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { ObjectsError, type TextObject } from "./objects.ts";

const PLACE = { bucket: "b", key: "out/_bicoastal.json" };
const target: OutputTarget = { job: jobId("mine"), endIndex: 1, directory: "s3://b/out", overwrite: true };

class CountingObjects extends MemoryObjects {
  reads = 0;
  override async readText(place: { bucket: string; key: string }): Promise<TextObject | undefined> {
    this.reads++;
    return super.readText(place);
  }
}

describe("whether an output has been committed", () => {
  let objects: CountingObjects;
  let commits: CommitsSeen;
  const commit = async (job: string, endIndex: number, replaced?: Manifest["replaced"]): Promise<void> => {
    const manifest: Manifest = {
      version: 1,
      job,
      endIndex,
      files: [],
      ...(replaced === undefined ? {} : { replaced }),
    };
    const standing = await objects.stat(PLACE);
    await objects.putIf(PLACE, manifestText(manifest), standing?.etag);
  };

  beforeEach(() => {
    objects = new CountingObjects();
    commits = new CommitsSeen();
  });

  test("goes by the end of the job that the manifest names, standing or replaced", async () => {
    expect(await commits.hasCommitted(objects, target)).toBe(false);
    await commit("mine", 0);
    expect(await commits.hasCommitted(objects, target)).toBe(false);
    await commit("mine", 1);
    expect(await commits.hasCommitted(objects, target)).toBe(true);
    await commit("next", 0, { job: "mine", endIndex: 1, names: [] });
    expect(await commits.hasCommitted(objects, target)).toBe(true);
  });

  test("reads another's manifest once, and the one that takes its place", async () => {
    await commit("other", 0);
    for (let file = 0; file < 5; file++) expect(await commits.hasCommitted(objects, target)).toBe(false);
    expect(objects.reads).toBe(1);
    await commit("mine", 1);
    expect(await commits.hasCommitted(objects, target)).toBe(true);
    expect(objects.reads).toBe(2);
  });

  test("keeps apart the ends that it remembers, however many there are", async () => {
    await commit("job-20", 1);
    for (let index = 0; index < 40; index++) {
      const asked = { ...target, job: jobId(`job-${index}`) };
      for (let file = 0; file < 2; file++)
        expect(await commits.hasCommitted(objects, asked), `${index}`).toBe(index === 20);
    }
    expect(objects.reads).toBe(41);
  });

  test("fails no upload for what it cannot read", async () => {
    await objects.putIf(PLACE, "no manifest", undefined);
    expect(await commits.hasCommitted(objects, target)).toBe(false);
    objects.stat = () => Promise.reject(new ObjectsError("denied", "no"));
    expect(await commits.hasCommitted(objects, target)).toBe(false);
    objects.stat = () => Promise.reject(new TypeError("a bug"));
    await expect(commits.hasCommitted(objects, target)).rejects.toThrow("a bug");
  });
});
