// Prints the seconds that one more empty task takes: many tasks against one, after a run that loads everything.
import { connect } from "bicoastal";
import emptyTasks from "./empty-tasks.mjs";

const tasks = Number(process.argv[2]);
const threads = Number(process.env.BENCH_THREADS);
const options = threads === 0 ? { debug: true } : { threads };

const session = await connect();

/** @param {number} count */
async function secondsOf(count) {
  const startMs = performance.now();
  const { tasks: done } = await session.run(emptyTasks, { tasks: count }, options);
  if (done !== count) throw new Error(`${done} tasks ran instead of ${count}`);
  return (performance.now() - startMs) / 1000;
}

await secondsOf(100);
const one = await secondsOf(1);
const many = await secondsOf(tasks);
await session.close();
console.log(JSON.stringify({ seconds: (many - one) / (tasks - 1) }));
