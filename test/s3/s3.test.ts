/** S3 on a real server: what the SDK and the server make of our requests, and whole jobs. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { objectsContract } from "../../src/adapters/s3/objects.contract.ts";
import type { Objects } from "../../src/adapters/s3/objects.ts";
import { MANIFEST_NAME } from "../../src/adapters/s3/output-names.ts";
import {
  inputsHarness,
  keysBelow,
  outputsHarness,
  readOutput,
  uploadsBelow,
} from "../../src/adapters/s3/s3-harness.ts";
import { clientOptions, openSdkObjects } from "../../src/adapters/s3/sdk-objects.ts";
import { inputsContract } from "../../src/ports/inputs.contract.ts";
import { outputsContract } from "../../src/ports/outputs.contract.ts";
import type { CommittedFile } from "../../src/ports/outputs.ts";
import { binPath, type CliResult, jsonLines, runNode, temporaryDirectory } from "../cli-process.ts";
import { hasS3Server, S3Server } from "./s3-server.ts";

const bucket = "bicoastal-test";
let server: S3Server;
let objects: Objects;
let client: S3Client;
let prefixes = 0;
const freshPrefix = (): string => `t${++prefixes}/below/`;

const write = async (key: string, content: Uint8Array | string): Promise<void> => {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(content) }));
};
const create = async () => ({ objects, bucket, prefix: freshPrefix(), write });

describe.runIf(hasS3Server)("S3", () => {
  const before: Record<string, string | undefined> = {};
  beforeAll(async () => {
    server = await S3Server.start();
    for (const [name, value] of Object.entries(server.environment)) {
      before[name] = process.env[name];
      process.env[name] = value;
    }
    objects = await openSdkObjects();
    client = new S3Client(clientOptions(process.env));
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  afterAll(async () => {
    client?.destroy();
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await server?.stop();
  });

  objectsContract("the SDK", create);
  inputsContract("S3", async () => inputsHarness(await create()));
  outputsContract("S3", async () => outputsHarness(await create()));

  const script = `
import { job, read } from "bicoastal";
export default job({
  name: "words",
  params: { input: "in/*", out: "out", gzip: false },
  run: ({ input, out, gzip }) =>
    read.lines(input, { splitBytes: 3000 })
      .map((line) => ({ line, size: line.length }))
      .sortBy(({ line }) => line)
      .write("jsonl", out, { overwrite: true, gzip }),
});
`;
  const project = () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "in"));
    for (const name of ["a.txt", "b.txt"]) {
      const lines = Array.from({ length: 400 }, (_, n) => `${name} line ${(n * 7919) % 400} é`);
      writeFileSync(join(directory, "in", name), `${lines.join("\n")}\n`);
    }
    writeFileSync(join(directory, "words.ts"), script);
    const env = { BICOASTAL_DATA_DIR: join(directory, "jobs") };
    const run = (...args: readonly string[]): Promise<CliResult> =>
      runNode([binPath, "run", "words.ts", "--json", "--quiet", ...args], { cwd: directory, env });
    return { directory, run };
  };
  const partsOf = (directory: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(directory)
        .filter((name) => name.startsWith("part-"))
        .map((name) => [name, readFileSync(join(directory, name), "utf8")]),
    );

  const linesOf = (parts: Readonly<Record<string, string>>): readonly string[] =>
    Object.values(parts).flatMap((text) => text.split("\n").slice(0, -1));
  /** What the job makes of lines. */
  const wrapped = (lines: readonly string[]): readonly string[] =>
    [...lines].sort().map((line) => JSON.stringify({ line, size: line.length }));

  test("a job writes to S3 what it writes to a directory, and reads it back", async () => {
    const { directory, run } = project();
    const out = `s3://${bucket}/${freshPrefix()}out`;
    const local = jsonLines(await run())[0] as Record<string, unknown>;
    const first = jsonLines(await run("--out", `${out}/`));
    expect(first).toEqual([{ ...local, directory: out }]);
    expect(await readOutput(objects, out)).toEqual(partsOf(join(directory, "out")));
    jsonLines(await run("--out", out));
    expect(await readOutput(objects, out)).toEqual(partsOf(join(directory, "out")));

    const again = `s3://${bucket}/${freshPrefix()}again`;
    jsonLines(await run("--input", out, "--out", again, "--gzip"));
    jsonLines(await run("--input", `${again}/*.gz`, "--out", "twice"));
    const once = linesOf(partsOf(join(directory, "out")));
    expect(linesOf(partsOf(join(directory, "twice")))).toEqual(wrapped(wrapped(once)));
    expect(await uploadsBelow(objects, bucket, `t${prefixes}/`)).toEqual([]);
  });

  test("says what is wrong, and what to do", async () => {
    const { run } = project();
    const failure = async (...args: readonly string[]) => {
      const { stderr } = await run(...args);
      return (
        JSON.parse(stderr.trimEnd().split("\n").at(-1)!) as { error: { code: string; message: string } }
      ).error;
    };
    expect(await failure("--input", "s3://no-such-bucket-here/x")).toMatchObject({
      code: "INPUT_NOT_FOUND",
    });
    expect(await failure("--input", `s3://${bucket}/nowhere/*`)).toMatchObject({
      code: "INPUT_NOT_FOUND",
      message: expect.stringContaining("No object matches"),
    });
    expect(await failure("--out", "s3://no-such-bucket-here/out")).toMatchObject({
      code: "OUTPUT_FAILED",
      message: expect.stringMatching(/no-such-bucket-here.*make it/),
    });
    const key = `${freshPrefix()}mine`;
    await write(`${key}/notes.txt`, "mine");
    expect(await failure("--out", `s3://${bucket}/${key}`)).toMatchObject({ code: "OUTPUT_EXISTS" });
    process.env.AWS_SECRET_ACCESS_KEY = "wrong";
    const denied = await failure("--input", `s3://${bucket}/${key}`).finally(() => {
      process.env.AWS_SECRET_ACCESS_KEY = server.environment.AWS_SECRET_ACCESS_KEY;
    });
    expect(denied).toMatchObject({ code: "INPUT_UNREADABLE", message: expect.stringContaining(bucket) });
  });

  test("a commit that dies after any request is completed by the next one", async () => {
    for (let nth = 1, over = false; !over; nth++) {
      const harness = outputsHarness(await create());
      const prefix = harness.root.slice(`s3://${bucket}/`.length);
      const target = { endIndex: 0, directory: `${harness.root}/out`, overwrite: true };
      const commit = async (job: string, label: string, using: Objects) => {
        const outputs = outputsHarness({ objects: using, bucket, prefix: `${prefix}/`, write }).outputs;
        const of = { ...target, job: job as never };
        const files: CommittedFile[] = [];
        for (const index of [0, 1]) {
          const writer = harness.outputs.create(of, `s0.p0000${index}.e1.a0.k0.txt`);
          writer.append(Buffer.from(`${label}${index}`));
          files.push({ staged: await writer.close(), name: `part-${index}`, bytes: writer.bytes });
        }
        await harness.outputs.create(of, "s0.p00000.e1.a1.k0.txt").close();
        return { again: () => harness.outputs.commit(of, files), done: outputs.commit(of, files) };
      };
      await (await commit("job-a", "old", objects)).done;
      const { again, done } = await commit("job-b", "new", dyingAfter(objects, nth));
      over = await done.then(
        () => true,
        () => false,
      );
      await again();
      expect(await readOutput(objects, target.directory)).toEqual({ "part-0": "new0", "part-1": "new1" });
      expect((await keysBelow(objects, bucket, `${prefix}/out/`)).length).toBe(3);
      expect(await keysBelow(objects, bucket, `${prefix}/out/${MANIFEST_NAME}`)).toEqual([""]);
      expect(await uploadsBelow(objects, bucket, `${prefix}/`)).toEqual([]);
      await harness.dispose();
      if (over) expect(nth).toBeGreaterThan(5);
    }
  });
});

/** Does so many requests that change something, then fails before each further one, as if switched off. */
function dyingAfter(all: Objects, count: number): Objects {
  let left = count;
  const reading = ["stat", "list", "read", "readText", "uploads"];
  return new Proxy(all, {
    get(target, name: keyof Objects) {
      const method = target[name] as unknown as ((...args: unknown[]) => unknown) | undefined;
      if (method === undefined) return undefined;
      return (...args: unknown[]) => {
        if (!reading.includes(name) && left-- <= 0) return Promise.reject(new Error("switched off"));
        return method.apply(target, args);
      };
    },
  });
}
