/** What the suites of inputs and outputs need around a bucket. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Inputs } from "../../ports/inputs.ts";
import type { Outputs } from "../../ports/outputs.ts";
import { createFileInputs } from "../fs/inputs.ts";
import { createFileScratch } from "../fs/scratch.ts";
import { inputsByScheme } from "../schemes/inputs.ts";
import { createS3Inputs } from "./inputs.ts";
import { readManifest } from "./manifest.ts";
import type { Objects } from "./objects.ts";
import { MANIFEST_NAME } from "./output-names.ts";
import { createS3Outputs } from "./outputs.ts";
import { parseS3Url } from "./url.ts";

export interface Bucket {
  readonly objects: Objects;
  readonly bucket: string;
  /** Of keys that nobody else uses; ends with a slash. */
  readonly prefix: string;
  write(key: string, content: Uint8Array | string): Promise<void>;
}

export interface S3InputsHarness {
  readonly inputs: Inputs;
  readonly directory: string;
  write(name: string, content: Uint8Array | string): Promise<void>;
  remove(name: string): Promise<void>;
  dispose(): void;
}

export const inputsHarness = ({ objects, bucket, prefix, write }: Bucket): S3InputsHarness => ({
  inputs: inputsByScheme(
    createFileInputs(),
    createS3Inputs(async () => objects),
  ),
  directory: `s3://${bucket}/${prefix.slice(0, -1)}`,
  write: (name, content) => write(`${prefix}${name}`, content),
  remove: (name) => objects.remove({ bucket, key: `${prefix}${name}` }),
  dispose() {},
});

/** All keys of a prefix, without it. */
export async function keysBelow(objects: Objects, bucket: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of objects.list(bucket, prefix)) {
    for (const { key } of page) keys.push(key.slice(prefix.length));
  }
  return keys;
}

/** Keys of uploads that are neither completed nor aborted, without the prefix. */
export async function uploadsBelow(objects: Objects, bucket: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of objects.uploads(bucket, prefix)) {
    for (const { key } of page) keys.push(key.slice(prefix.length));
  }
  return keys;
}

/** An output as its manifest says, and what else stands beside it; undefined where there is nothing. */
export async function readOutput(
  objects: Objects,
  directory: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const { bucket, key } = parseS3Url(directory);
  const manifest = await readManifest(objects, { bucket, key: `${key}/${MANIFEST_NAME}` });
  const parts = new Map(manifest?.manifest.files.map(({ name, part }) => [name, part]));
  const keys = (await keysBelow(objects, bucket, `${key}/`)).filter(
    (name) => name !== MANIFEST_NAME && name !== "",
  );
  if (manifest === undefined && keys.length === 0) return undefined;
  const texts: Record<string, string> = {};
  for (const name of [...new Set([...parts.keys(), ...keys])]) {
    const found = await objects.readText({ bucket, key: `${key}/${name}` });
    texts[parts.get(name) ?? name] = found?.text ?? "MISSING";
  }
  return texts;
}

export interface S3OutputsHarness {
  readonly outputs: Outputs;
  readonly root: string;
  read(directory: string): Promise<Readonly<Record<string, string>> | undefined>;
  namesInRoot(): Promise<readonly string[]>;
  makeForeign(directory: string, files: Readonly<Record<string, string>>): Promise<void>;
  dispose(): Promise<void>;
}

export function outputsHarness({ objects, bucket, prefix, write }: Bucket): S3OutputsHarness {
  const scratch = mkdtempSync(join(tmpdir(), "bicoastal-s3-"));
  const root = `s3://${bucket}/${prefix.slice(0, -1)}`;
  return {
    outputs: createS3Outputs(createFileScratch(scratch), async () => objects),
    root,
    read: (directory) => readOutput(objects, directory),
    async namesInRoot() {
      const visible = await keysBelow(objects, bucket, prefix);
      const hidden = await uploadsBelow(objects, bucket, prefix);
      const names = [
        ...visible.map((name) => name.split("/")[0]!),
        ...hidden.map((name) => `upload ${name}`),
      ];
      return [...new Set(names)].sort();
    },
    async makeForeign(directory, files) {
      const { key } = parseS3Url(directory);
      if (Object.keys(files).length === 0) await write(`${key}/`, "");
      for (const [name, text] of Object.entries(files)) await write(`${key}/${name}`, text);
    },
    async dispose() {
      rmSync(scratch, { recursive: true });
    },
  };
}
