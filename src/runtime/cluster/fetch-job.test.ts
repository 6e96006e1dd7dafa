import { beforeEach, expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { contentHash, nodeId } from "../../base/ids.ts";
import { createMemoryBlobs, type MemoryBlobs } from "../../sim/ports/memory-blobs.ts";
import { SharedBlobs, specKey } from "./fetch-job.ts";
import type { NodeCard } from "./node-card.ts";

const [SELF, OTHER, THIRD] = [nodeId("a"), nodeId("b"), nodeId("c")] as const;
const bytes = new TextEncoder().encode("the spec of a job");
const sha256 = (given: Uint8Array) =>
  contentHash(given.length === bytes.length && given.every((byte, i) => byte === bytes[i]) ? "1" : "0");
const hash = sha256(bytes);
const key = specKey(hash);

let local: MemoryBlobs;
let held: Map<string, Uint8Array>;
let asked: string[];
let shared: SharedBlobs;

beforeEach(() => {
  local = createMemoryBlobs();
  held = new Map();
  asked = [];
  shared = new SharedBlobs({
    local,
    fetch: async (_, from) => {
      asked.push(from);
      const found = held.get(from);
      if (found === undefined) throw new BicoastalError("BLOB_MISSING", "not there", { details: {} });
      return found;
    },
    give: async () => {},
    sha256,
    members: () => [SELF, OTHER, THIRD].map((node) => ({ node }) as NodeCard),
    self: SELF,
  });
});

test("what lies here whole is not asked for", async () => {
  await local.put(key, bytes);
  expect(await shared.get(key, hash)).toEqual(bytes);
  expect(asked).toEqual([]);
});

test.each([
  ["changed", bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte))],
  ["cut short", bytes.subarray(0, 5)],
  ["emptied", new Uint8Array()],
])("what lies here %s is fetched anew, and kept whole", async (_, damaged) => {
  await local.put(key, damaged);
  held.set(THIRD, bytes);
  expect(await shared.get(key, hash)).toEqual(bytes);
  expect(await local.get(key)).toEqual(bytes);
});

test("what is damaged on another node as well is not taken from there", async () => {
  await local.put(key, bytes.subarray(1));
  held.set(OTHER, bytes.subarray(2));
  held.set(THIRD, bytes);
  expect(await shared.get(key, hash)).toEqual(bytes);
  expect(asked).toEqual([OTHER, THIRD]);
});

test("what nobody has whole is an error, and not the damaged one", async () => {
  await local.put(key, bytes.subarray(1));
  await expect(shared.get(key, hash)).rejects.toMatchObject({ code: "BLOB_MISSING" });
});
