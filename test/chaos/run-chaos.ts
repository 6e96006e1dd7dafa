/**
 * One run: a cluster, lanes of jobs, and the faults of the schedule one step after another, until the time is over; then all is
 * healed, everything must come to its end, and nothing may be left.
 */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Job, Session } from "../../src/index.ts";
import { abilitiesHere, kindsFor } from "./abilities.ts";
import { ChaosCluster, MEMBERS, REGION_NAMES } from "./chaos-cluster.ts";
import { DyingClients } from "./dying-clients.ts";
import { FAULTS } from "./faults/all-faults.ts";
import { FaultRoom } from "./faults/fault-room.ts";
import { type DoneJob, JobLane, messageOf } from "./job-lane.ts";
import { inputLines } from "./job-plan.ts";
import { count } from "./journal.ts";
import {
  auditJobs,
  leasesLeft,
  leftOfJobs,
  machineLeft,
  orphanedBlocks,
  outputsLeft,
  removeJobs,
} from "./leftovers.ts";
import { type ChaosReport, distributionOf } from "./report.ts";
import { Room } from "./room.ts";
import { type Fault, type FaultKind, type Step, scheduleOf } from "./schedule.ts";

const LANES = 2;
/** So many kinds of faults are done, also where a slow machine needs longer for them than the run was to take. */
const KINDS_MIN = 4;
/** Between two steps, and for a job to be as far as a step wants it. */
const BREATH_LEASES = 0.5;
const PROGRESS_WAIT_MS = 8_000;

export interface ChaosOptions {
  readonly seed: string;
  readonly minutes: number;
  readonly leaseMs: number;
  readonly only: readonly FaultKind[] | undefined;
  /** The project's own directory, with what it was built to. */
  readonly root: string;
  readonly say: (line: string) => void;
  /** Ends the run before its time. */
  readonly signal: AbortSignal;
}

type Api = typeof import("../../src/index.ts");

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const room = new Room();
  const run = new ChaosRun(options, room);
  let report: ChaosReport | undefined;
  try {
    report = await run.run();
    return report;
  } finally {
    const keepLogs = report === undefined || report.problems.length > 0;
    room.close({ keepLogs });
    if (keepLogs) options.say(`Logs are kept in ${room.logs}`);
  }
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #room: Room;
  readonly #startMs = performance.now();
  readonly #problems: string[] = [];
  readonly #done: DoneJob[] = [];
  readonly #faults = new Map<FaultKind, number>();
  readonly #missed = new Map<FaultKind, number>();

  constructor(options: ChaosOptions, room: Room) {
    this.#options = options;
    this.#room = room;
  }

  async run(): Promise<ChaosReport> {
    const { seed, leaseMs, only, root } = this.#options;
    const abilities = abilitiesHere();
    const { kinds, leftOut } = kindsFor(abilities, only);
    for (const { kind, needs } of leftOut) this.#say(`left out: ${kind}; it needs ${needs}`);
    const cluster = await ChaosCluster.start({
      ...{ room: this.#room, seed, abilities, leaseMs },
      bin: join(root, "dist", "bin.js"),
    });
    let figures: Awaited<ReturnType<typeof auditJobs>>["figures"];
    let minutes: number;
    try {
      this.#say(`${cluster.nodes.length} nodes and ${MEMBERS} members of etcd are up`);
      const session = await this.#connect(cluster);
      const lanes = this.#lanes(session.session, session.jobs);
      const clients = this.#clients(cluster, session.session);
      const running = Promise.all(lanes.map((lane) => lane.run()));
      // A lane that throws ends the run: it is told where it is awaited.
      running.catch(() => {});
      await this.#harm(new FaultRoom(cluster, clients), kinds);
      this.#say("the faults are over");
      for (const lane of lanes) lane.stop();
      await running;
      minutes = (performance.now() - this.#startMs) / 60_000;
      figures = await this.#judge(cluster, [...lanes, clients], session.session);
    } finally {
      await cluster.close();
    }
    this.#problem(...machineLeft(this.#room));
    return this.#report(cluster, { figures, minutes, leftOut });
  }

  /** As a user's program does: from the built package, in a directory of its own. */
  async #connect(
    cluster: ChaosCluster,
  ): Promise<{ readonly session: Session; readonly jobs: Record<string, Job> }> {
    const { root, seed } = this.#options;
    const room = this.#room;
    writeFileSync(room.in("inputs", "lines.txt"), `${inputLines(seed).join("\n")}\n`);
    writeFileSync(room.in("package.json"), '{"type":"module"}');
    copyFileSync(join(root, "test", "chaos", "chaos-job.mjs"), room.in("chaos-job.mjs"));
    mkdirSync(room.in("node_modules"));
    symlinkSync(root, room.in("node_modules", "bicoastal"));
    process.env.BICOASTAL_TOKEN = cluster.token;
    const api = (await import(pathToFileURL(join(root, "dist", "index.js")).href)) as Api;
    const jobs = (await import(pathToFileURL(room.in("chaos-job.mjs")).href)) as Record<string, Job>;
    return { jobs, session: await api.connect({ store: cluster.store, dataDir: room.in("client") }) };
  }

  #lanes(session: Session, jobs: Readonly<Record<string, Job>>): readonly JobLane[] {
    const { seed } = this.#options;
    const lines = inputLines(seed);
    const [input, outDir] = [this.#room.in("inputs", "*.txt"), this.#room.in("out")];
    return Array.from({ length: LANES }, (_, lane) => {
      return new JobLane({
        ...{ seed, lane, session, jobs, lines, input, outDir },
        onSubmitted: ({ name, shape }, id) => this.#say(`job   ${name} is ${id} (${shape})`),
        onDone: (done) => {
          this.#done.push(done);
          this.#say(`job   ${done.name} is done after ${seconds(done.tookMs)}`);
        },
        onProblem: (problem) => this.#problem(problem),
        onRetry: (what) => this.#room.log("client", what),
      });
    });
  }

  #clients(cluster: ChaosCluster, session: Session): DyingClients {
    const { seed, root } = this.#options;
    return new DyingClients({
      ...{ seed, cluster, session, room: this.#room, lines: inputLines(seed) },
      bin: join(root, "dist", "bin.js"),
      onProblem: (problem) => this.#problem(problem),
      onRetry: (what) => this.#room.log("client", what),
    });
  }

  // ---- Harm --------------------------------------------------------------------------------------------------

  async #harm(faults: FaultRoom, kinds: readonly FaultKind[]): Promise<void> {
    const { seed, minutes, signal } = this.#options;
    const { cluster } = faults;
    const endMs = this.#startMs + minutes * 60_000;
    const kindsMin = Math.min(KINDS_MIN, kinds.length);
    for (const step of scheduleOf(seed, kinds)) {
      if (signal.aborted || this.#problems.length > 0) return;
      if (performance.now() > endMs && this.#faults.size >= kindsMin) return;
      await this.#untilUnderWay(cluster, step);
      await Promise.all(step.faults.map((fault) => this.#inject(faults, step, fault)));
      await faults.hold(BREATH_LEASES);
      for (const node of cluster.nodes) {
        if (!node.running) this.#problem(`${node.name} ended by itself`);
      }
    }
  }

  /** A job that is as far as the step wants it; without one, in a while, it comes all the same. */
  async #untilUnderWay({ came, journal }: ChaosCluster, { progress }: Step): Promise<void> {
    await came.call(undefined, PROGRESS_WAIT_MS, () =>
      journal.underWay().some((job) => journal.progressOf(job) >= progress),
    );
  }

  async #inject(room: FaultRoom, { number }: Step, fault: Fault): Promise<void> {
    const startMs = performance.now();
    this.#say(`fault ${number} ${fault.kind} …`);
    try {
      const what = await FAULTS[fault.kind](room, fault);
      count(this.#faults, fault.kind);
      if (what === "met nobody" || what === "") count(this.#missed, fault.kind);
      this.#say(`fault ${number} ${fault.kind}: ${what}; ${seconds(performance.now() - startMs)}`);
    } catch (error) {
      this.#problem(`fault ${number}, ${fault.kind}: ${messageOf(error)}`);
    }
  }

  // ---- Judgement ---------------------------------------------------------------------------------------------

  async #judge(
    cluster: ChaosCluster,
    lanes: readonly Pick<JobLane, "acknowledged" | "written">[],
    session: Session,
  ) {
    for (const node of cluster.nodes) if (!node.running) await cluster.restart(node);
    const { problems, figures } = await auditJobs(
      cluster,
      lanes.flatMap(({ acknowledged }) => acknowledged),
    );
    this.#problem(...problems);
    this.#say("every log has been read");
    // Of a job that failed something is kept, as it may be resumed.
    if (this.#problems.length > 0) return figures;
    // Each node looks after what ended without it when it starts, and every few minutes from then on.
    for (const node of cluster.nodes) {
      await this.#leave(node);
      await cluster.restart(node);
    }
    this.#problem(...(await orphanedBlocks(cluster)));
    await removeJobs(session);
    await session.close();
    for (const node of cluster.nodes) await this.#leave(node);
    this.#problem(...(await leftOfJobs(cluster)));
    this.#problem(...(await leasesLeft(cluster)));
    this.#problem(
      ...outputsLeft(
        this.#room,
        lanes.flatMap(({ written }) => written),
      ),
    );
    this.#say("what is left has been looked at");
    return figures;
  }

  async #leave(node: ChaosCluster["nodes"][number]): Promise<void> {
    const code = await node.leave();
    if (code !== 0) this.#problem(`${node.name} was told to leave and ended with ${code}`);
  }

  #report(
    { journal, nodes, settings }: ChaosCluster,
    {
      figures,
      minutes,
      leftOut,
    }: Pick<ChaosReport, "minutes" | "leftOut"> & {
      readonly figures: {
        readonly jobs: number;
        readonly epochs: number;
        readonly outputsLost: number;
        readonly tasks: number;
      };
    },
  ): ChaosReport {
    const shapes = new Map<string, number>();
    for (const { shape } of this.#done) count(shapes, shape);
    return {
      seed: settings.seed,
      minutes,
      nodes: nodes.length,
      regions: REGION_NAMES.length,
      members: MEMBERS,
      leaseMs: settings.leaseMs,
      ...figures,
      jobsByShape: Object.fromEntries(shapes),
      jobsPerMinute: this.#done.length / minutes,
      jobSeconds: distributionOf(this.#done.map(({ tookMs }) => tookMs / 1000)),
      takeOverLeases: distributionOf(journal.takeOvers.map(({ tookMs }) => tookMs / settings.leaseMs)),
      faults: Object.fromEntries(this.#faults),
      missed: Object.fromEntries(this.#missed),
      attemptsFailed: Object.fromEntries(journal.failures),
      backups: journal.said.get("backupStarted") ?? 0,
      setAside: journal.said.get("nodeSetAside") ?? 0,
      leftOut,
      problems: this.#problems,
    };
  }

  #problem(...problems: readonly string[]): void {
    for (const problem of problems) {
      this.#problems.push(problem);
      this.#say(`WRONG ${problem}`);
    }
  }

  #say(line: string): void {
    const text = `${((performance.now() - this.#startMs) / 1000).toFixed(1).padStart(7)} s  ${line}`;
    this.#room.log("chaos", text);
    this.#options.say(text);
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
