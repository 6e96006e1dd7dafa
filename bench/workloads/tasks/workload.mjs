// Tasks that do nothing, through the driver, in one process: seconds a task. Beside it, empty messages to a thread and
// back, 64 under way at a time: what threads of Node would allow at most if each task were one message.
import { join } from "node:path";
import { benchDirectory } from "../../harness/peers.mjs";

const program = (/** @type {string} */ file) => join(benchDirectory, "workloads", "tasks", file);

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "tasks",
    title: "Empty tasks, seconds for each",
    data: () => [],
    result: "none",
    ours: [],
    ways: ({ scale }) =>
      [
        { name: "bicoastal", title: "Bicoastal, 2 threads", file: "bicoastal.mjs", threads: "2" },
        {
          name: "bicoastal-debug",
          title: "Bicoastal, debug: no thread",
          file: "bicoastal.mjs",
          threads: "0",
        },
        { name: "ping", title: "Messages to a thread and back", file: "ping.mjs", threads: "1" },
      ].map(({ name, title, file, threads }) => ({
        name,
        title,
        env: { BENCH_THREADS: threads },
        command: () => [process.execPath, program(file), String(scale.tasks)],
        printsSeconds: true,
      })),
  },
];
