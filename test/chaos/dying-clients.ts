/**
 * Clients in processes of their own, by the built command, that are killed when they have given the cluster a job, or are about to.
 *
 * What was acknowledged ends, and whoever asks for it by its id is given what the killed one would have been given. What was
 * not may be there or not: where it is, it ends as well, which every job's audit looks after.
 */
import { writeFileSync } from "node:fs";
import type { Session } from "../../src/index.ts";
import { TiedProcess } from "../tied-process.ts";
import { type ChaosCluster, delay } from "./chaos-cluster.ts";
import { compare, outcomeOf, paramsOf } from "./job-lane.ts";
import { expectedOfJob, plannedJob } from "./job-plan.ts";
import type { Room } from "./room.ts";
import type { Fault } from "./schedule.ts";

/** The lane of these jobs: those of others are counted from 0. */
const LANE = 100;
/** Every third one is killed before it can know that its job was taken. */
const EARLY = 1 / 3;
const EARLY_MS_MAX = 1_500;
const LATE_MS_MAX = 2_000;
const JOB_MS_MAX = 300_000;
/** What it says, with the id, when its job was taken. */
const ACKNOWLEDGED = /^job (\S+): /;

export interface DyingClientsParts {
  readonly seed: string;
  readonly cluster: ChaosCluster;
  readonly room: Room;
  readonly session: Session;
  /** The built command. */
  readonly bin: string;
  readonly lines: readonly string[];
  readonly onProblem: (problem: string) => void;
  readonly onRetry: (what: string) => void;
}

export class DyingClients {
  /** As of a lane. */
  readonly acknowledged: string[] = [];
  readonly written: string[] = [];
  readonly #parts: DyingClientsParts;
  #count = 0;

  constructor(parts: DyingClientsParts) {
    this.#parts = parts;
  }

  /** Resolves, with what it did, when the job that was acknowledged has ended and what it gave was looked at. */
  async submitAndDie({ pick, size }: Fault): Promise<string> {
    const { seed, cluster, room, bin, lines, onProblem } = this.#parts;
    const job = plannedJob(seed, LANE, this.#count++);
    const name = `client-${job.name}`;
    const out = room.in("out", name);
    const paramsFile = room.in("clients", `${name}.json`);
    // Whether it was taken may never be known, and it may write all the same.
    this.written.push(out);
    writeFileSync(paramsFile, JSON.stringify(paramsOf(job, room.in("inputs", "*.txt"), out)));
    let id: string | undefined;
    const client = await TiedProcess.start({
      command: [
        ...[process.execPath, bin, "run", "chaos-job.mjs", "--job", job.shape, "--params", paramsFile],
        ...["--store", cluster.store, "--data-dir", room.in("clients", name), "--json"],
      ],
      cwd: room.path,
      env: cluster.env,
      onError: (line) => {
        room.log("client", `${name}: ${line}`);
        id ??= ACKNOWLEDGED.exec(line)?.[1];
      },
    });
    const isEarly = pick < EARLY;
    if (!isEarly) await cluster.came(JOB_MS_MAX, () => id !== undefined || !client.running);
    await delay(size * (isEarly ? EARLY_MS_MAX : LATE_MS_MAX));
    await client.kill();
    if (id === undefined) return `${name}, before it was told that its job was taken`;
    this.acknowledged.push(id);
    const outcome = await outcomeOf(this.#parts, id, job.shape);
    if (outcome === undefined) return `${name} with ${id}`;
    for (const problem of compare(outcome.ends, expectedOfJob(job, lines), out))
      onProblem(`${id} (${job.shape}, its client was killed): ${problem}`);
    return `${name} with ${id}, which has ended`;
  }
}
