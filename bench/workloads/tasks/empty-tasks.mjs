import { job, read } from "bicoastal";

/** As many tasks as asked for, each with one number, of which nothing is left. */
export default job({
  name: "empty-tasks",
  params: { tasks: 1 },
  run: ({ tasks }) => read.range(0, tasks, { partitions: tasks }).filter(() => false),
});
