import { expect, test } from "vitest";
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskRequest, TaskRunner } from "../../ports/task-runner.ts";
import { startNodeServer } from "../http/node-server.ts";
import { createNodeMetrics } from "./node-metrics.ts";

const STOPPED: TaskOutcome = { kind: "stopped" };

function metricsOf(drivenJobs = 0) {
  return createNodeMetrics({
    labels: { node: "a", region: "east" },
    members: () => [{ state: "ready" }, { state: "ready" }],
    driving: () => drivenJobs,
  });
}

/** Runs one attempt that ends when it is told. */
function runnerOf(outcome: Promise<TaskOutcome>): TaskRunner {
  return { slots: 3, room: () => 3, run: () => outcome, stop: () => {}, close: async () => {} };
}

const request = {} as TaskRequest;
const observer = { onProgress: () => {}, onLog: () => {} };

/** The value of the line that begins so, labels of the node left out. */
const figure = (text: string, name: string): number | undefined => {
  const line = text
    .split("\n")
    .find((it) => it.replace(/,?node="a",region="east"/, "").startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ") + 1));
};

test("attempts are counted by outcome while they run and when they end", async () => {
  const metrics = metricsOf();
  let end: (outcome: TaskOutcome) => void = () => {};
  const watched = metrics.watch(runnerOf(new Promise((resolve) => (end = resolve))));
  const outcome = watched.run(request, observer);
  expect(figure(await metrics.text(), "bicoastal_tasks_running{}")).toBe(1);
  end(STOPPED);
  expect(await outcome).toBe(STOPPED);
  const text = await metrics.text();
  expect(figure(text, "bicoastal_tasks_running{}")).toBe(0);
  expect(figure(text, "bicoastal_slots{}")).toBe(3);
  expect(figure(text, 'bicoastal_tasks_total{outcome="stopped"}')).toBe(1);
  expect(figure(text, 'bicoastal_tasks_total{outcome="finished"}')).toBe(0);
  expect(figure(text, "bicoastal_task_seconds_count{}")).toBe(0);
});

test("a runner that throws is passed on, and nothing runs then", async () => {
  const metrics = metricsOf();
  const watched = metrics.watch(runnerOf(Promise.reject(new Error("broken"))));
  await expect(watched.run(request, observer)).rejects.toThrow("broken");
  expect(figure(await metrics.text(), "bicoastal_tasks_running{}")).toBe(0);
});

test("says who belongs to the cluster, what is driven and what was lost", async () => {
  const metrics = metricsOf(4);
  metrics.drove("committed");
  metrics.attemptFailed("USER_FUNCTION");
  metrics.attemptFailed("USER_FUNCTION");
  metrics.outputLost();
  const text = await metrics.text();
  expect(figure(text, "bicoastal_jobs_driven{}")).toBe(4);
  expect(figure(text, 'bicoastal_members{state="ready"}')).toBe(2);
  expect(figure(text, 'bicoastal_drives_total{outcome="committed"}')).toBe(1);
  expect(figure(text, 'bicoastal_attempts_failed_total{code="USER_FUNCTION"}')).toBe(2);
  expect(figure(text, "bicoastal_outputs_lost_total{}")).toBe(1);
});

test("is read over HTTP by whoever has the token, and by nobody else", async () => {
  const metrics = metricsOf();
  const token = "0123456789abcdef0123456789abcdef";
  const server = await startNodeServer({
    host: "127.0.0.1",
    port: 0,
    security: { token },
    routes: [metrics.route],
  });
  try {
    const url = `http://127.0.0.1:${server.port}/v1/metrics`;
    expect((await fetch(url)).status).toBe(401);
    const answered = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(answered.status).toBe(200);
    expect(answered.headers.get("content-type")).toContain("text/plain");
    expect(await answered.text()).toContain("# TYPE bicoastal_tasks_total counter");
  } finally {
    await server.close();
  }
});
