/**
 * The same input and params give the same bytes: rows on stdout and files alike, whatever the number of threads and
 * the memory, in the main thread, and after a kill.
 *
 * Every operator that moves or orders data is here, sums of floats whose order shows, and drawn numbers.
 */
import { expect, test } from "vitest";
import { Prng } from "../src/base/prng.ts";
import { type Given, killAt, moments, RecoveryProject } from "./recovery-project.ts";

const OPERATORS = `
import { job, read } from "bicoastal";

const rest = (): void => {
  const ms = Number(process.env.SLOW_MS ?? 0);
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

export default job({
  name: "operators",
  run: () => {
    const rows = read
      .jsonl<{ id: number; group: string; x: number; text: string }>("rows/*.jsonl", { splitBytes: 400_000 })
      .mapPartitions(function* (rows) {
        rest();
        yield* rows;
      });
    const groups = rows.map(({ group, x }): [string, number] => [group, x]);
    const drawn = rows.map(({ id }, ctx) => [id, ctx.random(), ctx.partition]);
    const add = (a: number, b: number): number => a + b;
    const mean = {
      zero: () => ({ sum: 0, count: 0 }),
      add: (a: { sum: number; count: number }, x: number) => ({ sum: a.sum + x, count: a.count + 1 }),
      merge: (a: { sum: number; count: number }, b: { sum: number; count: number }) => ({ sum: a.sum + b.sum, count: a.count + b.count }),
      finish: ({ sum, count }: { sum: number; count: number }) => sum / count,
    };
    const others = read.range(300, { partitions: 2 }).map((n): [string, number] => ["g" + n * 2, n / 3]);
    const small = groups.sample(0.05, { seed: "again" });
    // What is grouped and sorted is more than the least memory holds.
    const heavy = rows.map((row) => ({ ...row, text: row.text.repeat(14) }));
    const longest = heavy.groupBy(({ id }) => id % 7, { partitions: 1 }).map(([key, members]) => {
      let text = "";
      let x = 0;
      for (const member of members) {
        x += member.x;
        if (member.text > text) text = member.text;
      }
      return { key, x, text: text.slice(0, 20) };
    });
    return {
      sums: groups.reduceByKey(add, { partitions: 3 }),
      means: groups.aggregateByKey({ ...mean, partitions: 2 }),
      counts: rows.countBy(({ text }) => text.slice(0, 2), { partitions: 2 }),
      distinct: groups.map(([group]) => group).distinct({ partitions: 2 }),
      firsts: rows.distinct(({ group }) => group, { partitions: 2 }).map(({ id }) => id),
      longest,
      sampled: small,
      drawn: drawn.sample(0.01),
      inner: small.join(others, { partitions: 2 }),
      full: small.join(others, { how: "full", partitions: 2 }),
      semi: small.join(others, { how: "semi", partitions: 2 }),
      anti: small.join(others, { how: "anti", partitions: 2 }),
      cogrouped: small.cogroup(others, { partitions: 2 }).map(([key, [a, b]]) => [key, [...a].reduce(add, 0), [...b].reduce(add, 0)]),
      top: rows.top(9, ({ x }) => x).map(({ id }) => id),
      classic: rows.mapReduce<number, number, [number, number]>({
        map: ({ id, x }, emit) => emit(id % 11, x),
        combine: (_, values) => [...values].reduce(add, 0),
        reduce: (key, values, emit) => emit([key, [...values].reduce(add, 0)]),
      }),
      spread: rows.repartition(4).map(({ id }) => id).write("text", "out-spread"),
      sorted: heavy
        .sortBy(({ group, x }) => [group, x], { descending: [true, false], partitions: 1 })
        .map(({ text, ...row }) => ({ ...row, text: text.slice(0, 9) }))
        .write("jsonl", "out-sorted"),
      both: groups.union(others).write("csv", "out-both"),
      sum: rows.map(({ x }) => x).reduce(add),
      count: rows.count(),
    };
  },
});
`;
const OUTPUTS = ["out-spread", "out-sorted", "out-both"];

function rows(file: string, count: number): string {
  const random = new Prng(file);
  const lines = Array.from({ length: count }, (_, id) => {
    const text = `${random.nextUint32().toString(36)} `.repeat(12);
    return JSON.stringify({
      id,
      group: `g${random.below(500)}`,
      x: random.next() * 10 ** random.below(9),
      text,
    });
  });
  return `${lines.join("\n")}\n`;
}

const FILES = {
  "operators.ts": OPERATORS,
  "rows/a.jsonl": rows("a", 9_000),
  "rows/b.jsonl": rows("b", 4_000),
  "rows/c.jsonl": "",
};

const newProject = (): RecoveryProject => {
  const project = new RecoveryProject();
  project.write(FILES);
  return project;
};

/** Of the first run, in two threads. */
let first: Promise<Given> | undefined;
function expected(): Promise<Given> {
  first ??= (async () => {
    const project = newProject();
    const given = project.given(
      await project.run("run", "operators.ts", "--json", "--threads", "2"),
      OUTPUTS,
    );
    // Rows and files there must be, or sameness would say nothing.
    const ends = new Set(
      given.stdout
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as { end: string }).end),
    );
    expect(ends.size).toBe(20);
    expect(Object.keys(given.files).length).toBeGreaterThan(7);
    return given;
  })();
  return first;
}

test.each([
  ["one thread", ["--threads", "1"], false],
  ["more threads than cores", ["--threads", "5"], false],
  ["the main thread", ["--debug"], false],
  ["so little memory that it spills", ["--threads", "1", "--memory", "120MiB"], true],
  ["little memory, in three threads", ["--threads", "3", "--memory", "216MiB"], true],
])("the same bytes with %s", async (_, flags, spills) => {
  const want = await expected();
  const project = newProject();
  const running = project.startSlowly(0, "run", "operators.ts", ...flags);
  let spilled = false;
  const watch = setInterval(() => {
    spilled ||= project.leftovers().some((path) => path.includes("/scratch/"));
  }, 3);
  const result = await running.ended;
  clearInterval(watch);
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
  expect(project.given(result, OUTPUTS)).toEqual(want);
  if (spills) expect(spilled).toBe(true);
  expect(project.leftovers()).toEqual([]);
});

test("the same bytes after two kills, each time with other threads and memory", async () => {
  const want = await expected();
  const project = newProject();
  const flags = [["--threads", "2"], ["--debug"], ["--threads", "3", "--memory", "216MiB"]];
  await killAt(
    moments.blocks(4),
    project,
    project.startSlowly(60, "run", "operators.ts", ...(flags[0] ?? [])),
  );
  const job = (await project.audit())?.job ?? "";
  await killAt(moments.blocks(25), project, project.startSlowly(0, "resume", job, ...(flags[1] ?? [])));
  expect((await project.audit())?.state.isComplete()).toBe(false);
  const result = await project.run("resume", job, "--json", ...(flags[2] ?? []));
  expect({ code: result.code, stderr: result.stderr }).toMatchObject({ code: 0 });
  expect(project.given(result, OUTPUTS)).toEqual(want);
  expect(project.leftovers()).toEqual([]);
  expect((await project.audit())?.epochs).toBe(3);
});
