import { inputsContract } from "../../ports/inputs.contract.ts";
import { outputsContract } from "../../ports/outputs.contract.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { objectsContract } from "./objects.contract.ts";
import { inputsHarness, outputsHarness } from "./s3-harness.ts";

const bucket = "bucket";
const create = async (prefix: string) => {
  const objects = new MemoryObjects();
  const write = async (key: string, content: Uint8Array | string) => objects.put(key, Buffer.from(content));
  return { objects, bucket, prefix, write };
};

objectsContract("memory", () => create("p/"));
inputsContract("S3 in memory", async () => inputsHarness(await create("in/put/")));
outputsContract("S3 in memory", async () => outputsHarness(await create("out/puts/")));
