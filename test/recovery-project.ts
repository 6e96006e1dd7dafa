/** A job of every kind of stage on small files, and the ways to kill its process and to see what became of it. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Prng } from "../src/base/prng.ts";
import type { CliResult } from "./cli-process.ts";
import { CliProject, type RunningCli } from "./cli-project.ts";
import { auditJob, jobIds } from "./job-audit.ts";

/**
 * Every task with user code says that it runs, in a file and in a counter, and takes its time. The only one that reads users,
 * which nothing but the join waits for, goes on for as long as the job is held.
 */
const EVERYTHING = `
import { appendFileSync, existsSync } from "node:fs";
import { job, read, type TaskContext } from "bicoastal";

const mark = <T>(name: string) =>
  function* (records: Iterable<T>, ctx: TaskContext): Iterable<T> {
    ctx.counter("ran " + name);
    appendFileSync("runs.log", name + "/" + ctx.partition + "\\n");
    const wait = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    wait(Number(process.env.SLOW_MS ?? 0));
    while (name === "users" && existsSync("hold")) wait(20);
    yield* records;
  };

export default job({
  name: "everything",
  run: () => {
    const words = read
      .lines("text/*", { splitBytes: 4_096 })
      .mapPartitions(mark("split"))
      .flatMap((line) => line.split(" "))
      .countBy((word) => word, { partitions: 4 })
      .mapPartitions(mark("count"));
    const users = read.csv("users.csv", { types: { id: "number" } }).mapPartitions(mark("users"));
    const orders = read
      .csv("orders.csv", { types: { user: "number", amount: "number" }, splitBytes: 4_096 })
      .mapPartitions(mark("orders"));
    return {
      counts: words.write("jsonl", "out-counts"),
      top: words.top(7, ([, count]) => count).mapPartitions(mark("top")),
      sorted: orders
        .sortBy(({ amount }) => amount, { partitions: 3 })
        .mapPartitions(mark("sort"))
        .write("csv", "out-sorted"),
      joined: users
        .join(orders, { left: ({ id }) => id, right: ({ user }) => user, how: "left", partitions: 3 })
        .mapPartitions(mark("join")),
      total: orders.map(({ amount }) => amount).reduce((a, b) => a + b),
    };
  },
});
`;
export const OUTPUTS = ["out-counts", "out-sorted"];
/** The tasks that say that they run. */
export const MARKED_TASKS_MIN = 30;

function inputFiles(): Record<string, string> {
  const random = new Prng("recovery");
  const below = (limit: number): number => Math.floor(random.next() * limit);
  const lines = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => `${line(index)}\n`).join("");
  const words = (): string => Array.from({ length: 8 }, () => `w${below(below(2_000) + 1)}`).join(" ");
  return {
    "text/a.txt": lines(600, words),
    "text/b.txt": lines(500, words),
    "users.csv": `id,name\n${lines(100, (id) => `${id},user ${id}`)}`,
    "orders.csv": `user,amount,note\n${lines(1_500, (n) => `${below(130)},${below(9_999) / 100},"note, ${n}"`)}`,
  };
}

/** What a run gave: its rows, and the bytes of every file that it wrote. */
export interface Given {
  readonly stdout: string;
  readonly files: Readonly<Record<string, string>>;
}

export class RecoveryProject extends CliProject {
  readonly dataDir = join(this.directory, ".data");

  constructor() {
    super();
    this.write({ "everything.ts": EVERYTHING, ...inputFiles() });
  }

  /** Keeps a run on two threads or more from its end, however late a test sees how far it is. */
  hold(): void {
    writeFileSync(join(this.directory, "hold"), "");
  }
  release(): void {
    rmSync(join(this.directory, "hold"));
  }

  startSlowly(slowMs: number, ...args: readonly string[]): RunningCli {
    return this.startWith({ SLOW_MS: String(slowMs) }, ...args, "--json");
  }

  /** Tasks that have begun, in order: `count/3`. */
  runs(): string[] {
    const path = join(this.directory, "runs.log");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  blockFiles(): string[] {
    return filesUnder(join(this.dataDir, "blobs", "jobs"), ({ path }) => path.includes("/blocks/"));
  }

  /** Whatever a run keeps beside its data and its outputs while it works. */
  leftovers(): string[] {
    const beside = readdirSync(this.directory).filter((name) => name.includes(".bicoastal-"));
    const spills = filesUnder(join(this.dataDir, "scratch"), () => true);
    return [...beside, ...spills, ...this.blockFiles().filter((path) => path.includes("~"))];
  }

  given({ stdout }: CliResult, outputs: readonly string[] = OUTPUTS): Given {
    const files: Record<string, string> = {};
    for (const directory of outputs) {
      // The marker names the job, whose id is another every time.
      for (const name of readdirSync(join(this.directory, directory)).filter(
        (name) => name !== "_bicoastal.json",
      ))
        files[`${directory}/${name}`] = readFileSync(join(this.directory, directory, name), "latin1");
    }
    return { stdout: stdout.replaceAll(this.directory, "DIR"), files };
  }

  /** The state and log of the one job; undefined where none was submitted. */
  async audit(): Promise<Awaited<ReturnType<typeof auditJob>> | undefined> {
    const [job, ...others] = await jobIds(this.dataDir);
    if (others.length > 0) throw new Error("There is more than one job.");
    return job === undefined ? undefined : auditJob(this.dataDir, job);
  }

  forgetRuns(): void {
    rmSync(join(this.directory, "runs.log"), { force: true });
  }
}

function filesUnder(directory: string, wanted: (file: { readonly path: string }) => boolean): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => wanted({ path }));
  } catch (error) {
    // What runs may take it away in the middle of this.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** A moment to kill at, by what can be seen from outside. */
export interface Moment {
  readonly name: string;
  readonly reached: (project: RecoveryProject, sinceMs: number) => boolean;
}

export const moments = {
  after: (ms: number): Moment => ({ name: `after ${ms} ms`, reached: (_, sinceMs) => sinceMs >= ms }),
  begun: (tasks: number): Moment => {
    return { name: `${tasks} tasks begun`, reached: (project) => project.runs().length >= tasks };
  },
  blocks: (count: number): Moment => {
    return { name: `${count} blocks`, reached: (project) => project.blockFiles().length >= count };
  },
  staged: (count: number): Moment => ({
    name: `${count} files staged`,
    reached: ({ directory }) =>
      readdirSync(directory)
        .filter((name) => name.includes(".bicoastal-"))
        .flatMap((name) => filesUnder(join(directory, name), () => true)).length >= count,
  }),
  /** All that does not wait for a job that is held has begun, and all that reads files but users is done. */
  held: {
    name: "all done but what is held",
    reached: (project) =>
      ["top/0", "sort/0", "sort/1", "sort/2"].every((task) => project.runs().includes(task)),
  } as Moment,
  shown: (output: string): Moment => {
    return { name: `${output} shown`, reached: ({ directory }) => existsSync(join(directory, output)) };
  },
};

/** Kills the process at the moment, by its id, unless it has ended before. */
export async function killAt(moment: Moment, project: RecoveryProject, running: RunningCli): Promise<void> {
  const startMs = performance.now();
  let over = false;
  void running.ended.then(() => {
    over = true;
  });
  while (!over && !moment.reached(project, performance.now() - startMs))
    await new Promise((resolve) => setTimeout(resolve, 1));
  running.child.kill("SIGKILL");
  await running.ended;
}
