/**
 * Tasks that wait instead of computing: as many of them go on at a time as there are nodes, whatever the number of cores is.
 * Each says in a file when it began and ended, by the clock that all processes of a machine share.
 */
import { appendFileSync } from "node:fs";
import { job, read } from "bicoastal";

const clock = new Int32Array(new SharedArrayBuffer(4));
/** Rows of a task, so that there is something to shuffle. */
const rowsEach = 500;
/** Few: each reads something of every task before, and that is not what is measured. */
const reducers = 16;

const stamp = (file: string, what: string): void => {
  if (file !== "") appendFileSync(file, `${what} ${Number(process.hrtime.bigint()) / 1e6}\n`);
};

const waiting =
  (waitMs: number, stamps: string) =>
  <Row>(rows: Iterable<Row>): Iterable<Row> => {
    stamp(stamps, "begin");
    Atomics.wait(clock, 0, 0, waitMs);
    stamp(stamps, "end");
    return rows;
  };

export default job({
  name: "waiting",
  params: { tasks: 8, waitMs: 100, stamps: "" },
  run: ({ tasks, waitMs, stamps }) =>
    read
      .range(0, tasks * rowsEach, { partitions: tasks })
      .mapPartitions(waiting(waitMs, stamps))
      .countBy((n) => n % 1000, { partitions: reducers })
      .mapPartitions(waiting(waitMs, stamps))
      .sortBy(([n]) => n, { partitions: 1 }),
});
