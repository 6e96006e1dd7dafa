// Prints the seconds that one more empty task takes on a cluster: many tasks against one, after a run that loads everything.
import { connect } from "bicoastal";
import emptyTasks from "../workloads/tasks/empty-tasks.mjs";

const [store = "", count = ""] = process.argv.slice(2);
const tasks = Number(count);
const session = await connect({ store });

/** @param {number} count */
async function secondsOf(count) {
  const startMs = performance.now();
  const { tasks: done } = await session.run(emptyTasks, { tasks: count });
  if (done !== count) throw new Error(`${done} tasks ran instead of ${count}`);
  return (performance.now() - startMs) / 1000;
}

await secondsOf(100);
const one = await secondsOf(1);
const many = await secondsOf(tasks);
await session.close();
console.log(JSON.stringify({ seconds: (many - one) / (tasks - 1) }));
