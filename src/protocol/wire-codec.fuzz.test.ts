import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { type AttemptId, contentHash, epoch, jobId, nodeId, stageId } from "../base/ids.ts";
import { encodeJson } from "./codec.ts";
import type { WireMessage } from "./wire.ts";
import { decodeMessages, encodeMessages, WIRE_VERSION } from "./wire-codec.ts";

const job = jobId("words-1");
const attempt = (partition: number): AttemptId => {
  return { stage: stageId(1), partition, epoch: epoch(2), attempt: 0 };
};
const output = {
  block: { key: "jobs/words-1/blocks/a", bytes: 10, checksum: 2 ** 32 - 1, node: nodeId("n2") },
  files: [{ endIndex: 0, sink: 0, staged: "s1.p0.e1.a0.jsonl", bytes: 3, rows: 1 }],
  rowsIn: 1,
  bytesIn: 7,
  sinkRows: [1],
  counters: { ["__proto__"]: 2, "日本\ud800": -1.5 },
};
const error = { code: "BLOB_MISSING", message: "gone", retryable: true, details: { key: "k" } } as const;
const listed = { stage: stageId(0), sink: 0, list: "2.0" };
const lists = { "2.0": [{ key: "jobs/words-1/blocks/b", bytes: 1, checksum: 0 }] };

const MESSAGES: readonly WireMessage[] = [
  {
    kind: "poll",
    job,
    incarnation: "start 1",
    seq: 3,
    slots: 2,
    ahead: 0,
    running: [attempt(1)],
    runningAsOf: [12],
    ended: [
      { attempt: attempt(2), outcome: { kind: "finished", output }, asOfSeq: 11 },
      { attempt: attempt(3), outcome: { kind: "failed", error, lostBlocks: ["k"] } },
      { attempt: attempt(4), outcome: { kind: "stopped" } },
    ],
    terms: [{ epoch: epoch(2), holder: "start 1 77.5" }],
  },
  {
    kind: "orders",
    job,
    epoch: epoch(2),
    holder: "start 1 77.5",
    incarnation: "start 1",
    context: {
      job,
      name: "words",
      params: { input: "*.txt" },
      constants: { seed: "s", submittedAtMs: 1, bundle: contentHash("ab") },
      fingerprint: "f",
      joins: ["left"],
      outputDirectories: ["", "/out"],
    },
    start: [
      {
        attempt: attempt(5),
        partitions: 9,
        sinkPartitions: [1, 3],
        input: { kind: "split", split: { kind: "items", start: 0, end: 9 } },
        broadcasts: [[listed]],
        asOfSeq: 3,
      },
      {
        attempt: attempt(6),
        partitions: 9,
        sinkPartitions: [1],
        input: { kind: "blocks", sides: [[listed], []] },
        broadcasts: [],
      },
    ],
    stop: [attempt(1)],
    forget: [attempt(2)],
    lists,
  },
  { kind: "listsWanted", job, names: ["2.0"] },
  { kind: "listsGiven", job, lists },
];

function tried(bytes: Uint8Array): readonly WireMessage[] | "invalid" {
  try {
    return decodeMessages(bytes, "node n7");
  } catch (thrown) {
    if (!(thrown instanceof BicoastalError) || thrown.code !== "MESSAGE_INVALID") throw thrown;
    if (!/^What node n7 sent .{3,200}$/s.test(thrown.message)) throw thrown;
    return "invalid";
  }
}

describe("messages between nodes", () => {
  it("come back as they were", () => {
    expect(decodeMessages(encodeMessages(MESSAGES), "node n7")).toEqual(MESSAGES);
    expect(decodeMessages(encodeMessages([]), "node n7")).toEqual([]);
  });

  it("of another version are refused, and the error says which", () => {
    const bytes = encodeJson({ version: WIRE_VERSION + 1, messages: [] });
    expect(() => decodeMessages(bytes, "node n7")).toThrow(
      `is of version ${WIRE_VERSION + 1}, and this node speaks version ${WIRE_VERSION}`,
    );
  });

  it("without one of their fields are refused", () => {
    for (const message of MESSAGES) {
      for (const field of Object.keys(message)) {
        // Without it a poll is one of a worker that does not know.
        if (field === "runningAsOf") continue;
        const { [field]: _, ...rest } = message as unknown as Record<string, unknown>;
        expect(tried(encodeJson({ version: WIRE_VERSION, messages: [rest] })), field).toBe("invalid");
      }
    }
  });

  it("cut off anywhere are refused", () => {
    const whole = encodeMessages(MESSAGES);
    for (let length = 0; length < whole.length; length++)
      expect(tried(whole.subarray(0, length))).toBe("invalid");
  });

  it("with flipped bits are refused, or messages all the same", () => {
    const whole = encodeMessages(MESSAGES);
    const flips = fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(flips, (bits) => {
        const damaged = whole.slice();
        for (const bit of bits) damaged[bit >> 3]! ^= 1 << (bit & 7);
        const found = tried(damaged);
        if (found === "invalid") return;
        // Whatever it is by now: it has the shape that those who read it rely on.
        expect(decodeMessages(encodeMessages(found), "node n7")).toEqual(found);
      }),
      { numRuns: 2_000 },
    );
  });

  it("that are any bytes are refused", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => tried(bytes) === "invalid"));
  });
});
