/**
 * What a node counts and measures, as Prometheus asks for it: `GET /v1/metrics`, to whom the node answers at all.
 *
 * Names and units follow Prometheus' conventions (base units, `_total` for counters). Beside these come the process's
 * own, as prom-client names them: CPU, memory, open files, garbage collection, delay of the event loop. No label has a
 * job's or a task's name: there is no end to those, and each would be kept for ever. Logs have them.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { TaskRunner } from "../../ports/task-runner.ts";
import type { Route } from "../http/route.ts";

/** From a task of nothing to one of the longest. */
const TASK_SECONDS_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800];

export interface NodeMetricsOptions {
  /** Added to every figure. */
  readonly labels: { readonly node: string; readonly region: string };
  /** Who belongs to the cluster, as this node knows it. */
  readonly members: () => readonly { readonly state: string }[];
  /** How many jobs this node drives now. */
  readonly driving: () => number;
}

export interface NodeMetrics {
  readonly route: Route;
  /** The same runner, its tasks counted and timed. */
  watch(runner: TaskRunner): TaskRunner;
  /** A drive of this node's has ended: `committed`, `failed`, `lost`, …. */
  drove(outcome: string): void;
  /** An attempt of a job that this node drives has failed, wherever it ran. */
  attemptFailed(code: string): void;
  /** Output of a completed task was gone, and is made again. */
  outputLost(): void;
  /** Prometheus' text format, version 0.0.4. */
  text(): Promise<string>;
}

export function createNodeMetrics({ labels, members, driving }: NodeMetricsOptions): NodeMetrics {
  const registry = new Registry();
  registry.setDefaultLabels(labels);
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const slots = new Gauge({
    name: "bicoastal_slots",
    help: "Tasks that the node runs at a time.",
    registers,
  });
  const running = new Gauge({ name: "bicoastal_tasks_running", help: "Tasks that run now.", registers });
  const tasks = new Counter({
    name: "bicoastal_tasks_total",
    help: "Attempts that ended on this node.",
    labelNames: ["outcome"] as const,
    registers,
  });
  for (const outcome of ["finished", "failed", "stopped"] as const) tasks.inc({ outcome }, 0);
  const seconds = new Histogram({
    name: "bicoastal_task_seconds",
    help: "How long attempts took that finished.",
    buckets: TASK_SECONDS_BUCKETS,
    registers,
  });
  const drives = new Counter({
    name: "bicoastal_drives_total",
    help: "Drives of jobs by this node that ended.",
    labelNames: ["outcome"] as const,
    registers,
  });
  const failures = new Counter({
    name: "bicoastal_attempts_failed_total",
    help: "Failed attempts of jobs that this node drives, on whatever node.",
    labelNames: ["code"] as const,
    registers,
  });
  const losses = new Counter({
    name: "bicoastal_outputs_lost_total",
    help: "Outputs of completed tasks that were gone and are made again, of jobs that this node drives.",
    registers,
  });
  new Gauge({
    name: "bicoastal_jobs_driven",
    help: "Jobs that this node drives.",
    registers,
    collect() {
      this.set(driving());
    },
  });
  new Gauge({
    name: "bicoastal_members",
    help: "Nodes of the cluster, as this one knows them.",
    labelNames: ["state"] as const,
    registers,
    collect() {
      this.reset();
      for (const { state } of members()) this.inc({ state });
    },
  });

  const text = (): Promise<string> => registry.metrics();
  return {
    text,
    route: {
      name: "metrics",
      methods: ["GET"],
      bodyBytesMax: 0,
      async handle({ response }) {
        const body = Buffer.from(await text());
        response.writeHead(200, { "content-type": registry.contentType, "content-length": body.length });
        response.end(body);
      },
    },
    watch(runner) {
      slots.set(runner.slots);
      return {
        slots: runner.slots,
        room: () => runner.room(),
        stop: (job, attempt) => runner.stop(job, attempt),
        close: () => runner.close(),
        async run(request, observer) {
          running.inc();
          const startedMs = performance.now();
          try {
            const outcome = await runner.run(request, observer);
            tasks.inc({ outcome: outcome.kind });
            if (outcome.kind === "finished") seconds.observe((performance.now() - startedMs) / 1_000);
            return outcome;
          } finally {
            running.dec();
          }
        },
      };
    },
    drove: (outcome) => drives.inc({ outcome }),
    attemptFailed: (code) => failures.inc({ code }),
    outputLost: () => losses.inc(),
  };
}
