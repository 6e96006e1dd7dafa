/** What stands in the store under the keys of jobs and nodes, in bytes that are not what was written. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { contentHash, jobId, nodeId } from "../base/ids.ts";
import type { Entry } from "../ports/control-store.ts";
import { encodeJson } from "../protocol/codec.ts";
import { decodeNodeCard, type NodeCard } from "./cluster/node-card.ts";
import { decodeOpenJob } from "./cluster/open-job.ts";
import { decodeCard, decodeOwner, type JobCard } from "./job-log.ts";

const CARD: JobCard = {
  job: jobId("job-1"),
  name: "job",
  submittedAtMs: 1,
  tasks: 3,
  end: { kind: "committed", atMs: 2, tasksDone: 3, results: contentHash("0") },
};
const NODE: NodeCard = {
  node: nodeId("a"),
  incarnation: "1",
  address: "a:1",
  region: "east",
  domain: "one",
  slots: 2,
  memoryBytes: 1e9,
  version: "0",
  startedAtMs: 1,
  state: "ready",
};
const OWNER = { node: nodeId("a"), host: "h", pid: 1 };
const OPEN = { spec: contentHash("1"), bundle: contentHash("2"), holders: [nodeId("a")] };
const WRITTEN: readonly object[] = [CARD, NODE, OWNER, OPEN];

const entryOf = (value: Uint8Array): Entry => {
  return { key: "a/key", value, createRevision: 1, modRevision: 1, version: 1, lease: undefined };
};

/** One of them, with some values in it replaced by others, dropped or added. */
const changed = fc
  .tuple(fc.constantFrom(...WRITTEN), fc.array(fc.tuple(fc.nat(), fc.jsonValue()), { maxLength: 3 }))
  .map(([whole, changes]) => {
    const copy: Record<string, unknown> = { ...whole };
    for (const [index, value] of changes) {
      const names = [...Object.keys(whole), "end", "__proto__", "more"];
      const name = names[index % names.length]!;
      if (index % 3 === 0) delete copy[name];
      else Object.defineProperty(copy, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return encodeJson(copy);
  });
const cutOrFlipped = fc
  .tuple(fc.constantFrom(...WRITTEN), fc.nat(), fc.nat(255), fc.boolean())
  .map(([whole, index, byte, isCut]) => {
    const bytes = Buffer.from(encodeJson(whole));
    const at = index % bytes.length;
    if (isCut) return bytes.subarray(0, at);
    bytes[at] = byte;
    return bytes;
  });
const anything = fc.oneof(
  changed,
  cutOrFlipped,
  fc.uint8Array({ maxLength: 200 }),
  fc.jsonValue().map((value) => encodeJson(value)),
);

const isText = (value: unknown): boolean => typeof value === "string";
const isNumber = (value: unknown): boolean => typeof value === "number" && Number.isFinite(value);

test("each of them is what its type says, undefined, or STORE_CORRUPT", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anything, (bytes) => {
      const entry = entryOf(bytes);
      const card = decodeCard(entry);
      const node = decodeNodeCard(entry);
      const owner = orCorrupt(() => decodeOwner(entry));
      const open = orCorrupt(() => decodeOpenJob(entry));
      if (card !== undefined) {
        seen.add("card");
        expect([card.job, card.name].every(isText) && [card.submittedAtMs, card.tasks].every(isNumber)).toBe(
          true,
        );
        if (card.end !== undefined)
          expect(
            ["committed", "failed", "cancelled"].includes(card.end.kind) && isNumber(card.end.atMs),
          ).toBe(true);
      }
      if (node !== undefined) {
        seen.add("node");
        const { incarnation, region, domain, version, slots, memoryBytes, startedAtMs } = node;
        expect([node.node, incarnation, region, domain, version].every(isText)).toBe(true);
        expect([slots, memoryBytes, startedAtMs].every(isNumber)).toBe(true);
        expect(["undefined", "string"]).toContain(typeof node.address);
        expect(["ready", "draining", "drained"]).toContain(node.state);
      }
      if (owner !== "corrupt") {
        seen.add("owner");
        expect(isText(owner.node) && isText(owner.host) && isNumber(owner.pid)).toBe(true);
      }
      if (open !== "corrupt") {
        seen.add("open");
        expect(isText(open.spec) && isText(open.bundle) && open.holders.every(isText)).toBe(true);
      }
    }),
    { numRuns: 5_000 },
  );
  expect([...seen].sort()).toEqual(["card", "node", "open", "owner"]);
});

function orCorrupt<T>(decode: () => T): T | "corrupt" {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof BicoastalError) || error.code !== "STORE_CORRUPT") throw error;
    expect(error.message.length).toBeLessThan(300);
    return "corrupt";
  }
}
