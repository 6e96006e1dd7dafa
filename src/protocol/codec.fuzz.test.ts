import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { InvariantViolation } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import { type AttemptId, contentHash, epoch, jobId, nodeId, stageId } from "../base/ids.ts";
import { JobState } from "../core/job-state.ts";
import type { TaskOutput } from "../plan/task.ts";
import { checkLog, decodeObject, decodeRecord, decodeSpec, encodeJson, encodeRecord } from "./codec.ts";
import { type JobSpec, TASKS_MAX } from "./job-spec.ts";
import type { LogEvent, LogRecord } from "./log-event.ts";

const id = (stage: number, partition: number): AttemptId => {
  return { stage: stageId(stage), partition, epoch: epoch(1), attempt: 0 };
};
const output = (key: string | undefined): TaskOutput => ({
  block: key === undefined ? undefined : { key, bytes: 10, checksum: 2 ** 32 - 1 },
  files: [{ endIndex: 1, sink: 0, staged: "s1.p0.e1.a0.jsonl", bytes: 3, rows: 1 }],
  rowsIn: 1,
  bytesIn: 7,
  sinkRows: [1, 0],
  counters: { ["__proto__"]: 2, "日本\ud800": -1.5 },
});
const file = { path: "/data/a.txt", sizeBytes: 7, mtimeMs: -3_600_000 };
const SPEC: JobSpec = {
  version: 1,
  id: jobId("job-1"),
  name: "job",
  params: { input: "a.txt", nested: [null, { deep: true }] },
  constants: { seed: "s", submittedAtMs: 1, bundle: contentHash("0") },
  fingerprint: "f",
  joins: [],
  stages: [
    {
      id: stageId(0),
      label: "map",
      tasks: 2,
      dependsOn: [],
      input: { kind: "source", sourceIndex: 0 },
      broadcasts: [],
      sinkPartitions: [3],
    },
    {
      id: stageId(1),
      label: "reduce",
      tasks: 3,
      dependsOn: [stageId(0)],
      input: { kind: "shuffle", sides: [[{ stage: stageId(0), sink: 0 }], []] },
      broadcasts: [],
      sinkPartitions: [1, 1],
    },
  ],
  ends: [
    {
      name: "rows",
      producers: [{ stage: stageId(1), sink: 0 }],
      end: { kind: "collect", rowsMax: Number.MAX_SAFE_INTEGER, single: false },
    },
    {
      name: "out",
      producers: [{ stage: stageId(1), sink: 1 }],
      end: { kind: "write", format: "jsonl", directory: "/out", overwrite: true },
    },
  ],
  shape: "record",
  splits: [
    [
      { kind: "bytes", file, start: 0, end: 7 },
      { kind: "files", files: [file, file] },
    ],
    [{ kind: "items", start: 0, end: 9 }],
  ],
  policy: { attemptsMax: 3, taskTimeoutMs: undefined, retryDelayMs: 100, retryDelayMsMax: 1_000 },
};

const EVENTS: readonly LogEvent[] = [
  { kind: "submitted", job: SPEC.id, spec: contentHash("1"), atMs: 1 },
  { kind: "epochStarted", epoch: epoch(1), driver: nodeId("d"), atMs: 2 },
  { kind: "taskCompleted", attempt: id(0, 1), output: output("b") },
  { kind: "taskCompleted", attempt: id(1, 2), output: output(undefined) },
  { kind: "outputLost", attempt: id(0, 1) },
  {
    kind: "failed",
    atMs: 3,
    attempt: id(0, 0),
    error: {
      code: "USER_FUNCTION",
      message: "boom",
      retryable: true,
      details: { line: 1 },
      stack: "    at x",
    },
  },
  {
    kind: "failed",
    atMs: 3,
    attempt: undefined,
    error: { code: "OUTPUT_FAILED", message: "", retryable: false, details: {} },
  },
  { kind: "cancelled", atMs: 4, reason: "Ctrl-C" },
  { kind: "committed", atMs: 5 },
];
/** A log that has each kind of event once, as far as a sound log can. */
const LOG: readonly LogRecord[] = EVENTS.slice(0, 6).map((event, seq) => {
  return { version: 1, seq, epoch: epoch(seq === 0 ? 0 : 1), events: [event] };
});

/** Nothing but the right answer or STORE_CORRUPT, with its source named and a message of a bearable length. */
function tried<T>(decode: () => T): T | "corrupt" {
  try {
    return decode();
  } catch (error) {
    const typed = error instanceof BicoastalError && error.code === "STORE_CORRUPT";
    // Asked many thousand times: `expect` only where it fails.
    if (!typed || error.details.source !== "The thing" || !/^The thing is .{3,300}$/s.test(error.message))
      throw error;
    return "corrupt";
  }
}
const recordOf = (bytes: Uint8Array) => tried(() => decodeRecord(bytes, "The thing"));
const specOf = (bytes: Uint8Array) => tried(() => decodeSpec(bytes, "The thing"));

describe("what was encoded", () => {
  it.each(EVENTS)("comes back: $kind", (event) => {
    const record: LogRecord = { version: 1, seq: 7, epoch: epoch(3), events: [event, event] };
    expect(decodeRecord(encodeRecord(record), "The thing")).toEqual(record);
  });

  it("comes back: a job", () => {
    expect(decodeSpec(encodeJson(SPEC), "The thing")).toEqual(SPEC);
    const limited = { ...SPEC, policy: { ...SPEC.policy, taskTimeoutMs: 5 } };
    expect(decodeSpec(encodeJson(limited), "The thing")).toEqual(limited);
  });

  it("may hold more than this build reads", () => {
    const more = { ...LOG[1], later: true };
    expect(decodeRecord(encodeJson(more), "The thing")).toEqual(more);
  });
});

describe("completions of tasks that left nothing but numbers", () => {
  const counts = fc.nat({ max: 3 });
  const plain = fc
    .record({
      stage: counts,
      partition: fc.nat(),
      attempt: counts,
      rows: fc.nat(),
      sinkRows: fc.array(counts),
    })
    .map(({ stage, partition, attempt, rows, sinkRows }): LogEvent => {
      return {
        kind: "taskCompleted",
        attempt: { ...id(stage, partition), attempt },
        output: {
          block: undefined,
          files: [],
          rowsIn: rows,
          bytesIn: rows * 7,
          sinkRows: sinkRows.slice(0, 2),
          counters: {},
        },
      };
    });
  const mixed = fc.array(fc.oneof({ weight: 9, arbitrary: plain }, fc.constantFrom(...EVENTS)));

  it("come back among others, in order", () => {
    fc.assert(
      fc.property(mixed, (events) => {
        const record: LogRecord = { version: 1, seq: 1, epoch: epoch(1), events };
        expect(decodeRecord(encodeRecord(record), "The thing")).toEqual(record);
      }),
    );
  });

  it("take few bytes side by side", () => {
    const events = Array.from({ length: 1_000 }, (_, partition): LogEvent => {
      const rows = { rowsIn: 1, bytesIn: 0, sinkRows: [0] };
      const left = { block: undefined, files: [], counters: {}, ...rows };
      return { kind: "taskCompleted", attempt: id(0, partition), output: left };
    });
    expect(encodeRecord({ version: 1, seq: 1, epoch: epoch(1), events }).length).toBeLessThan(15_000);
  });

  it("with any one value changed are right in form, or refused", () => {
    const packed = {
      kind: "tasksCompleted",
      stage: 0,
      epoch: 1,
      sinks: 1,
      numbers: [0, 0, 5, 7, 5, 1, 0, 6, 8, 6],
    };
    const record = { version: 1, seq: 1, epoch: 1, events: [packed] };
    expect(recordOf(encodeJson(record))).toMatchObject({
      events: [{ output: { rowsIn: 5 } }, { output: { sinkRows: [6] } }],
    });
    for (const place of placesIn(packed)) {
      for (const other of OTHER_VALUES) {
        const decoded = recordOf(encodeJson(replaced(record, ["events", "0", ...place], other)));
        if (decoded !== "corrupt") tried(() => checkLog(SPEC, [LOG[0]!, decoded], "The thing"));
      }
    }
    expect(recordOf(encodeJson({ ...record, events: [{ ...packed, sinks: 2 }] }))).toBe("corrupt");
    expect(recordOf(encodeJson({ ...record, events: [{ ...packed, numbers: [] }] }))).toBe("corrupt");
  });
});

describe("of damaged bytes", () => {
  const bytes = [...LOG.map(encodeRecord), encodeJson(SPEC)];

  it("any beginning is refused", () => {
    for (const whole of bytes) {
      for (let length = 0; length < whole.length; length++) {
        expect(recordOf(whole.subarray(0, length))).toBe("corrupt");
        expect(specOf(whole.subarray(0, length))).toBe("corrupt");
      }
    }
  });

  it("any flip is refused, or changes a value that any value may stand for", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...bytes),
        fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        (whole, flips) => {
          const damaged = whole.slice();
          for (const flip of flips) damaged[flip % damaged.length]! ^= 1 << (flip % 7);
          recordOf(damaged);
          specOf(damaged);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it("any bytes at all are refused, or right", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (random) => {
        expect(recordOf(random)).toBe("corrupt");
        expect(specOf(random)).toBe("corrupt");
        tried(() => decodeObject(random, "The thing"));
      }),
    );
  });

  it("any JSON is refused", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(recordOf(encodeJson(value))).toBe("corrupt");
        expect(specOf(encodeJson(value))).toBe("corrupt");
      }),
    );
  });

  it.each([
    ["nothing", ""],
    ["spaces", "   "],
    ["two values", "{}{}"],
    ["brackets a million deep", "[".repeat(1_000_000)],
    ["a version a hundred thousand deep", `{"version":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
    ["a version of a megabyte", `{"version":"${"x".repeat(1_000_000)}"}`],
    [
      "a kind of a megabyte",
      `{"version":1,"seq":0,"epoch":0,"events":[{"kind":"${"x".repeat(1_000_000)}"}]}`,
    ],
  ])("%s is refused", (_, text) => {
    expect(recordOf(new TextEncoder().encode(text))).toBe("corrupt");
    expect(specOf(new TextEncoder().encode(text))).toBe("corrupt");
  });
});

describe("what another build wrote is refused, saying so", () => {
  it.each([0, 2, "1", null, undefined, [1]])("version %j", (version) => {
    const other = encodeJson({ ...LOG[1], version });
    expect(() => decodeRecord(other, "The thing")).toThrow(/of version .*, and this build reads version 1/);
    expect(() => decodeSpec(encodeJson({ ...SPEC, version }), "The thing")).toThrow(/of version/);
  });

  it.each(["taskStarted", "toString", "__proto__", "", 7, undefined])("a kind of event: %j", (kind) => {
    const other = encodeJson({ ...LOG[1], events: [{ kind }] });
    expect(() => decodeRecord(other, "The thing")).toThrow(/with an event this build does not know/);
  });
});

/** Every place in a JSON value, as a path. */
function* placesIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) yield* placesIn(inner, [...path, name]);
}
/** A copy with another value at the place; without the place, where that is undefined. */
function replaced(value: unknown, [name, ...path]: readonly string[], by: unknown): unknown {
  if (name === undefined) return by;
  const inner = replaced((value as Record<string, unknown>)[name], path, by);
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === name ? inner : item));
  const entries = Object.entries(value as object).filter(([other]) => other !== name);
  return Object.fromEntries(inner === undefined ? entries : [...entries, [name, inner]]);
}
const OTHER_VALUES = [
  undefined,
  null,
  true,
  "",
  "x",
  -1,
  0.5,
  0,
  1,
  7,
  2 ** 53,
  1e308,
  [],
  [null],
  [[0]],
  {},
];

test("of a record with any one value changed, a state can be made, or it is refused: nothing crashes later", () => {
  let accepted = 0;
  LOG.forEach((record, index) => {
    for (const place of placesIn(record)) {
      for (const other of OTHER_VALUES) {
        const decoded = recordOf(encodeJson(replaced(record, place, other) ?? null));
        if (decoded === "corrupt") continue;
        accepted++;
        const records = LOG.with(index, decoded);
        if (tried(() => checkLog(SPEC, records, "The thing")) === "corrupt") continue;
        try {
          JobState.replay(SPEC, records);
        } catch (error) {
          // A log that is sound record by record and yet tells an impossible story.
          expect(error).toBeInstanceOf(InvariantViolation);
        }
      }
    }
  });
  expect(accepted).toBeGreaterThan(100);
});

test("of a job with any one value changed, everything can be read that the driver reads, or it is refused", () => {
  let accepted = 0;
  for (const place of placesIn(SPEC)) {
    for (const other of OTHER_VALUES) {
      const spec = specOf(encodeJson(replaced(SPEC, place, other) ?? null));
      if (spec === "corrupt") continue;
      accepted++;
      const records = LOG.slice(0, 2);
      const state = JobState.replay(spec, records);
      for (const { id: stage, tasks, input } of spec.stages) {
        expect(state.tasksRemaining(stage)).toBe(tasks);
        if (input.kind === "source") expect(spec.splits[input.sourceIndex]).toHaveLength(tasks);
        else for (const producer of input.sides.flat()) expect(producer.stage).toBeLessThan(stage);
      }
    }
  }
  expect(accepted).toBeGreaterThan(100);
});

test.each([
  ["a task count that no memory holds", { tasks: TASKS_MAX + 1, input: { kind: "shuffle", sides: [] } }],
  ["a stage that waits for itself", { dependsOn: [0] }],
  ["a stage that reads a source that is not there", { input: { kind: "source", sourceIndex: 2 } }],
  ["a source with another number of splits", { tasks: 1 }],
])("a job is refused that has %s", (_, change) => {
  const stages = SPEC.stages.with(0, { ...SPEC.stages[0]!, ...(change as object) });
  expect(specOf(encodeJson({ ...SPEC, stages }))).toBe("corrupt");
});

test.each([
  ["does not wait for", { dependsOn: [] }],
  ["reads a sink of that is not there in", { input: { kind: "shuffle", sides: [[{ stage: 0, sink: 1 }]] } }],
])("a job is refused with a stage that %s its producer", (_, change) => {
  const stages = SPEC.stages.with(1, { ...SPEC.stages[1]!, ...(change as object) });
  expect(specOf(encodeJson({ ...SPEC, stages }))).toBe("corrupt");
});

describe("a log is refused", () => {
  it("that has a gap", () => {
    expect(tried(() => checkLog(SPEC, LOG.toSpliced(1, 1), "The thing"))).toBe("corrupt");
  });
  it.each([id(2, 0), id(1, 3), id(0, 2)])("that speaks of a task the job does not have: %o", (attempt) => {
    for (const event of [
      { kind: "outputLost", attempt },
      { ...EVENTS[2]!, attempt },
      { ...EVENTS[5]!, attempt },
    ]) {
      const record = { ...LOG[5]!, events: [event as LogEvent] };
      expect(tried(() => checkLog(SPEC, LOG.with(5, record), "The thing"))).toBe("corrupt");
    }
  });
});
