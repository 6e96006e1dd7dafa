import type { MakeCertificates } from "../adapters/certs/make-certificates.ts";
import type { ListedNode } from "../api/compose-store.ts";
/** The command line with everything around it faked, for tests: a session that remembers, and one job. */
import { job } from "../api/job.ts";
import { read } from "../api/read.ts";
import type { JobDetails, JobOutcome, JobSummary, LogsOptions, RunOptions, Session } from "../api/session.ts";
import { BicoastalError } from "../base/errors.ts";
import { type JobId, jobId } from "../base/ids.ts";
import { cutStages } from "../plan/cut-stages.ts";
import type { LogItem } from "../runtime/log/read-logs.ts";
import type { CliDependencies, LoadRequest } from "./dependencies.ts";
import type { Finding } from "./doctor/finding.ts";
import { FakeIo } from "./fake-io.ts";
import { main } from "./main.ts";

const wordcount = job({
  name: "wordcount",
  params: {
    input: "books/*.txt",
    top: 20,
    maxLength: 0.5,
    verboseWords: false,
    skip: ["a"],
    options: { deep: 1 },
  },
  run: ({ input, top }) => ({
    top: read
      .lines(input)
      .flatMap((line) => line.split(" "))
      .countBy((word) => word)
      .top(top, ([, count]) => count),
    total: read.lines(input).count(),
  }),
});

export const OUTCOME: JobOutcome = {
  job: jobId("wordcount-7f3a"),
  name: "wordcount",
  result: undefined,
  ends: [
    {
      kind: "rows",
      name: "top",
      rows: [
        ["the", 63919],
        ["and", 51695],
      ],
    },
    { kind: "value", name: "total", value: 31102 },
    { kind: "written", name: "files", directory: "/out/words", files: 12, bytes: 3_400_000, rows: 1234 },
  ],
  shape: "record",
  counters: { "long words": 12, empty: 3456 },
  rows: 31102,
  bytes: 4_400_000,
  tasks: 40,
  tasksResumed: 0,
  elapsedMs: 2500,
};

const SUMMARIES: readonly JobSummary[] = [
  {
    job: "wordcount-7f3a",
    state: "failed",
    submittedAtMs: -90_000,
    endedAtMs: -60_000,
    tasksDone: 12,
    tasksTotal: 40,
  },
  {
    job: "wordcount-81bc",
    state: "running",
    submittedAtMs: -9_000_000,
    endedAtMs: undefined,
    tasksDone: 0,
    tasksTotal: 1200,
  },
  {
    job: "index-0001",
    state: "succeeded",
    submittedAtMs: -4e9,
    endedAtMs: -4e9 + 500,
    tasksDone: 3,
    tasksTotal: 3,
  },
].map((summary) => ({
  ...summary,
  job: jobId(summary.job),
  name: summary.job.split("-")[0] ?? "",
  state: summary.state as JobSummary["state"],
  submittedAtMs: Date.UTC(2026, 2, 1, 12) + summary.submittedAtMs,
  endedAtMs: summary.endedAtMs === undefined ? undefined : Date.UTC(2026, 2, 1, 12) + summary.endedAtMs,
}));

export interface Run {
  readonly params: unknown;
  readonly options: RunOptions;
}

/** A session that remembers what it was asked, over whatever `behave` does. */
class FakeSession implements Session {
  readonly runs: Run[] = [];
  readonly resumed: string[] = [];
  readonly reopened: string[] = [];
  readonly removed: string[] = [];
  readonly followed: [string, boolean][] = [];
  said: readonly LogItem[] = [];
  readonly cancelled: string[] = [];
  readonly submitted: Run[] = [];
  closed = 0;
  behave: (options: RunOptions) => Promise<JobOutcome> = () => Promise.resolve(OUTCOME);

  async run(_job: unknown, params?: unknown, options: RunOptions = {}): Promise<JobOutcome<never>> {
    this.runs.push({ params, options });
    return (await this.behave(options)) as JobOutcome<never>;
  }
  async resume(id: string, options: RunOptions = {}): Promise<JobOutcome> {
    this.resumed.push(id);
    return await this.behave(options);
  }
  jobs(): Promise<readonly JobSummary[]> {
    return Promise.resolve(SUMMARIES);
  }
  job(id: string): Promise<JobDetails> {
    const summary = SUMMARIES.find((each) => each.job === id)!;
    return Promise.resolve({
      ...summary,
      params: { input: "books/*.txt", top: 20 },
      epochs: 2,
      setAside: [],
      stages: [
        { label: "read.lines → shuffle (countBy)", tasks: 39, tasksDone: 12 },
        { label: "countBy → collect", tasks: 1, tasksDone: 0 },
      ],
      counters: { "long words": 12 },
      error:
        summary.state === "failed"
          ? {
              code: "USER_FUNCTION",
              message: "TypeError: no",
              retryable: true,
              details: { file: "a.txt", line: 3 },
            }
          : undefined,
    });
  }
  async *logs(id: string, options: LogsOptions = {}): AsyncGenerator<LogItem, void, undefined> {
    this.followed.push([id, options.follow ?? false]);
    yield* this.said;
  }
  remove(id: string): Promise<void> {
    this.removed.push(id);
    return Promise.resolve();
  }
  reopen(id: string): Promise<JobId> {
    this.reopened.push(id);
    return Promise.resolve(jobId(id));
  }
  submit(_job: unknown, params?: unknown, options: RunOptions = {}): Promise<JobId> {
    this.submitted.push({ params, options });
    return Promise.resolve(OUTCOME.job);
  }
  cancel(id: string): Promise<JobSummary["state"]> {
    this.cancelled.push(id);
    const { state } = SUMMARIES.find((each) => each.job === id)!;
    return Promise.resolve(state === "running" ? "cancelled" : state);
  }
  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

/** One command line. */
export class FakeCli {
  readonly io = new FakeIo();
  readonly session = new FakeSession();
  readonly loads: LoadRequest[] = [];
  readonly dataDirs: (string | undefined)[] = [];
  readonly stores: string[] = [];
  readonly drained: string[] = [];
  readonly certificates: MakeCertificates[] = [];
  findings: readonly Finding[] = [];
  nodes: readonly ListedNode[] = [];
  hasDataDir = true;

  readonly dependencies: CliDependencies = {
    hasDataDir: () => this.hasDataDir,
    connect: ({ dataDir }) => {
      this.dataDirs.push(dataDir);
      return Promise.resolve(this.session);
    },
    startNode: () => Promise.reject(new Error("a fake command line starts no node")),
    startDevCluster: () => Promise.reject(new Error("a fake command line starts no cluster")),
    listNodes: (store) => {
      this.stores.push(store);
      return Promise.resolve(this.nodes);
    },
    drainNode: (store, node, onAsked) => {
      this.stores.push(store);
      if (node === "nobody") return Promise.reject(new BicoastalError("USAGE", "There is no such node."));
      onAsked();
      this.drained.push(node);
      return Promise.resolve();
    },
    makeCertificates: (request) => {
      this.certificates.push(request);
      return Promise.resolve([]);
    },
    diagnose: () => Promise.resolve(this.findings),
    loadJob: (request) => {
      this.loads.push(request);
      return Promise.resolve(wordcount as never);
    },
    layOutPlan: (plan) => {
      const stages = cutStages(plan);
      const sizes = stages.stages.map((stage) => ({ tasks: 3, sinkPartitions: stage.sinks.map(() => 2) }));
      return Promise.resolve({ stages, sizes });
    },
  };

  run(...argv: string[]): Promise<number> {
    return main({ argv, io: this.io, dependencies: this.dependencies, ownRoot: "/pkg/" });
  }

  /** What it printed, stderr below a line. */
  get shown(): string {
    return `\n${this.io.stdout.text}---\n${this.io.stderr.text}`;
  }
}
