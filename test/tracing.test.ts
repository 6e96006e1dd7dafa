/** Spans of real runs, by OpenTelemetry's own SDK, which comes into each process as users bring it: by `node --import`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";
import { NodeProcesses, runAlone } from "./cluster/node-processes.ts";

interface SpanLine {
  readonly name: string;
  readonly trace: string;
  readonly id: string;
  readonly parent?: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly events: readonly string[];
  readonly failed: boolean;
}

/** An SDK that writes each span that ended as a line, in a file of its process. */
function sdkIn(directory: string): {
  readonly env: Record<string, string>;
  readonly spans: () => readonly SpanLine[];
} {
  const found = (name: string): string => JSON.stringify(import.meta.resolve(name));
  const lines = join(directory, "spans");
  mkdirSync(lines);
  const file = join(directory, "sdk.mjs");
  writeFileSync(
    file,
    `import { appendFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
if (isMainThread) {
  const { context, trace } = (await import(${found("@opentelemetry/api")})).default;
  const { AsyncLocalStorageContextManager } = (await import(${found("@opentelemetry/context-async-hooks")})).default;
  const { BasicTracerProvider, SimpleSpanProcessor } = (await import(${found("@opentelemetry/sdk-trace-base")})).default;
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const lineOf = (span) => JSON.stringify({
    name: span.name,
    trace: span.spanContext().traceId,
    id: span.spanContext().spanId,
    parent: span.parentSpanContext?.spanId,
    attributes: span.attributes,
    events: span.events.map(({ name }) => name),
    failed: span.status.code === 2,
  }) + "\\n";
  const exporter = {
    export(spans, done) {
      appendFileSync(${JSON.stringify(lines)} + "/" + process.pid, spans.map(lineOf).join(""));
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
}
`,
  );
  return {
    env: { NODE_OPTIONS: `--import=${file}` },
    spans: () =>
      readdirSync(lines)
        // Of what is being written the last line may be there in part.
        .flatMap((name) => readFileSync(join(lines, name), "utf8").split("\n").slice(0, -1))
        .map((line) => JSON.parse(line) as SpanLine),
  };
}

const named = (spans: readonly SpanLine[], name: string): readonly SpanLine[] =>
  spans.filter((span) => span.name === `bicoastal ${name}`);

const FAILS_ONCE = `
import { mkdirSync } from "node:fs";
import { job, read } from "bicoastal";
export default job({
  name: "sums",
  params: { room: "" },
  run: ({ room }) =>
    read.range(0, 100, { partitions: 4 }).map((n) => {
      if (n !== 60) return n;
      try {
        mkdirSync(room + "/first.try");
      } catch {
        return n;
      }
      throw new Error("told to fail");
    }).countBy((n) => n % 3),
});
`;

test("a run on one machine is one trace: the run, its job, stages and attempts, with what failed", async () => {
  const directory = temporaryDirectory();
  const sdk = sdkIn(directory);
  const it = new CliProject().write({ "sums.ts": FAILS_ONCE });
  const { code } = await it.startWith(sdk.env, "run", "sums.ts", "--room", directory, "--json").ended;
  expect(code).toBe(0);
  const spans = sdk.spans();
  const [run] = named(spans, "run");
  const [job] = named(spans, "job");
  expect([run?.parent, job?.parent]).toEqual([undefined, run?.id]);
  expect(new Set(spans.map(({ trace }) => trace)).size).toBe(1);
  const stages = named(spans, "stage");
  expect(stages.map(({ parent, attributes }) => [parent, attributes["bicoastal.stage"]])).toEqual([
    [job?.id, 0],
    [job?.id, 1],
  ]);
  const attempts = named(spans, "attempt");
  const reads = attempts.filter(({ parent }) => parent === stages[0]?.id);
  expect(reads.filter(({ failed }) => failed)).toMatchObject([
    { attributes: { "error.type": "USER_FUNCTION", "bicoastal.partition": 2, "bicoastal.attempt": 0 } },
  ]);
  // A task that stood still may have been done twice.
  const rows = new Map(
    reads
      .filter(({ attributes }) => attributes["bicoastal.rows"] !== undefined)
      .map(({ attributes }) => [attributes["bicoastal.partition"], attributes["bicoastal.rows"] as number]),
  );
  expect([...rows.values()]).toEqual([25, 25, 25, 25]);
  expect(attempts.filter(({ parent }) => parent === stages[1]?.id).length).toBeGreaterThan(0);
});

test("on a cluster the trace goes from whoever submits to every driver and attempt, and shows a take-over", async () => {
  const sdk = sdkIn(temporaryDirectory());
  const cluster = new NodeProcesses({ env: sdk.env });
  const { job } = cluster;
  await cluster.startLasting("a", "b", "c");
  const output = cluster.run();
  job.admit("map", 5);
  await cluster.until("the job is under way", () => job.arrived("map") > 5);
  const killed = await cluster.someDriver();
  await killed.kill();
  await cluster.someDriver();
  job.open("map", "sorted");
  // Each that lives has a task of the new driver.
  await cluster.allAt("reduce");
  job.open("reduce");
  expect(await output).toEqual(await runAlone());
  await cluster.until("the driver's spans have ended", () => named(sdk.spans(), "job").length > 0);
  // Whatever a node was at has ended, and its span, once it has left.
  for (const node of cluster.nodes) if (node.running) await node.leave();

  const spans = sdk.spans();
  const [run, ...more] = named(spans, "run");
  expect([more, run?.parent, run?.attributes["bicoastal.job.name"]]).toEqual([[], undefined, "gated"]);
  expect(spans.filter(({ trace }) => trace !== run?.trace)).toEqual([]);
  const drives = named(spans, "job");
  for (const drive of drives) expect(drive.parent).toBe(run?.id);
  const last = drives.find(({ attributes }) => attributes["bicoastal.outcome"] === "committed");
  expect(last?.events).toContain("take-over");
  expect(last?.attributes["bicoastal.epoch"]).toBeGreaterThan(1);
  expect(last?.attributes["bicoastal.node"]).not.toBe(killed.name);
  const ofLast = new Set(
    named(spans, "stage")
      .filter(({ parent }) => parent === last?.id)
      .map(({ id }) => id),
  );
  const attempts = named(spans, "attempt").filter(({ parent }) => ofLast.has(parent ?? ""));
  expect(new Set(attempts.map(({ attributes }) => attributes["bicoastal.node"])).size).toBe(2);
});
