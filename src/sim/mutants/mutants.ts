/**
 * Bugs that are planted in copies of the shipped code, to see that the simulator finds them: a checker that finds none of
 * them proves nothing. None of this is in what is shipped; `mutants.test.ts` changes the text of a module as it is
 * bundled, and fails where the text is not there. The file is long because it is one table.
 */
import type { FaultRates } from "../faults/rates.ts";
import type { SpecialJob } from "../jobs/sim-job.ts";

/*
 * Tried and not found within so many seeds, for a reason:
 *
 * - "the incarnation of a worker is ignored": its lease, or its orders, which name the incarnation, put it right after seconds.
 * - "names of lists do not have the epoch in them": a list of an earlier epoch was the whole of its stage once, so that what
 *   stands in it is the same, unless a function gives other rows each time and an old message comes late as well.
 * - "outputs are shown while a loss waits for the log": the loss must be told of in the very moment in which the last completion
 *   is on its way to the log, by an attempt that its rival has just beaten.
 * - "what has read an output that came out different later counts": nobody else that has read it may be complete by then (or
 *   the job fails anyway); `driver.test.ts` has both cases.
 * - "a take-over writes beside the epoch's number only what another one of that epoch writes as well": a driver of before the store
 *   was set back must write its record right between the take-over and the first record of the one after; `job-log-set-back.test.ts`
 *   has that.
 * - "the wish to stop a job outlives it": found at once, as such a job is stopped again whenever it goes on; it is not in the
 *   table since each seed that finds it stops and resumes a job for ten minutes of virtual time.
 */

export interface Edit {
  /** Below src/. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  /** The invariant that it hurts, as ARCHITECTURE.md and the checkers call it. */
  readonly breaks: string;
  /** Where it shows. */
  readonly world: "job" | "nodes";
  /** Where it shows only with jobs of this kind: those alone are run. */
  readonly jobs?: SpecialJob;
  /** Faults without which nothing of it shows: they come at these rates in each of its seeds. */
  readonly rates?: Partial<FaultRates>;
  readonly edits: readonly Edit[];
}

const JOB_LOG = "runtime/job-log.ts";
const DRIVE_JOB = "runtime/drive-job.ts";
const DRIVER_HOST = "runtime/driver-host.ts";
const DRIVER = "core/driver.ts";
const DRIVER_LEASE = "runtime/driver-lease.ts";
const OUTCOMES = "core/outcomes.ts";
const JOB_STATE = "core/job-state.ts";
const DISPATCHER = "core/dispatcher.ts";
const SEAT = "runtime/cluster/job-seat.ts";
const LISTS = "runtime/cluster/block-lists.ts";
const FRAME = "engine/shuffle/block/frame.ts";
const BLOCK_READER = "engine/shuffle/block/block-reader.ts";

const EPOCH_COMPARE = `{ key: this.#keys.epoch, target: "value", op: "=", value: term },\n`;
const TAIL_COMPARE = `{ key, target: "createRevision", op: "=", value: 0 },
          { key: this.#keys.log(record.seq - 1), target: "createRevision", op: ">", value: 0 },\n`;

export const MUTANTS: readonly Mutant[] = [
  // ---- The log and its fences
  {
    name: "a driver's record does not compare the end of the log",
    breaks: "S2",
    world: "job",
    edits: [{ file: JOB_LOG, find: TAIL_COMPARE, replace: "" }],
  },
  {
    name: "a driver's record does not compare the epoch",
    breaks: "S2",
    world: "job",
    edits: [{ file: JOB_LOG, find: EPOCH_COMPARE, replace: "" }],
  },
  {
    name: "whatever stands where a record was to go is its driver's",
    breaks: "S3",
    world: "nodes",
    rates: { leaseCutEveryMs: 2_000 },
    edits: [
      {
        file: JOB_LOG,
        find: "return entry !== undefined && sameBytes(entry.value, bytes) && isOurs();",
        replace: "return entry !== undefined && isOurs();",
      },
    ],
  },
  {
    name: "a record counts as written where nothing stands in its place",
    breaks: "S3",
    world: "nodes",
    rates: { setBackEveryMs: 4_000 },
    edits: [
      {
        file: JOB_LOG,
        find: "return entry !== undefined && sameBytes(entry.value, bytes) && isOurs();",
        replace: "return entry === undefined || (sameBytes(entry.value, bytes) && isOurs());",
      },
    ],
  },
  {
    name: "two records are on their way at once",
    breaks: "S3",
    world: "job",
    edits: [
      {
        file: "core/decisions.ts",
        find: "if (this.#inFlight !== undefined || this.#waiting.length === 0) return;",
        replace: "if (this.#waiting.length === 0) return;",
      },
    ],
  },
  {
    name: "the lease alone is trusted",
    breaks: "S2",
    world: "job",
    edits: [
      { file: JOB_LOG, find: EPOCH_COMPARE, replace: "" },
      { file: JOB_LOG, find: TAIL_COMPARE, replace: "" },
    ],
  },
  {
    name: "a take-over does not raise the epoch",
    breaks: "S2",
    world: "job",
    edits: [
      {
        file: JOB_LOG,
        find: "epoch(Math.max(decodeEpoch(epochEntry), request.above ?? 0) + 1)",
        replace: "epoch(Math.max(1, decodeEpoch(epochEntry)))",
      },
    ],
  },
  {
    name: "take-overs write nothing of their own beside the epoch's number",
    breaks: "S2",
    world: "job",
    edits: [
      {
        file: DRIVE_JOB,
        find: `holder: \`\${this.#options.incarnation} \${clock.monotonicMs()}\`,`,
        replace: 'holder: "driver",',
      },
    ],
  },
  {
    name: "a take-over does not compare the epoch it has read, nor the end of the log",
    breaks: "S2",
    world: "job",
    edits: [
      {
        file: JOB_LOG,
        find: `{ key: this.#keys.epoch, target: "modRevision", op: "=", value: epochEntry.modRevision },\n`,
        replace: "",
      },
      {
        file: JOB_LOG,
        find: `{ key: this.#keys.epoch, target: "value", op: "=", value: epochEntry.value },\n`,
        replace: "",
      },
      {
        file: JOB_LOG,
        find: `            { key: this.#keys.log(record.seq - 1), target: "createRevision", op: ">", value: 0 },
            { key: this.#keys.driver`,
        replace: "            { key: this.#keys.driver",
      },
      {
        file: JOB_LOG,
        find: `{ key: this.#keys.driver, target: "modRevision", op: "=", value: ownerEntry?.modRevision ?? 0 },
            { key, target: "createRevision", op: "=", value: 0 },\n`,
        replace: "",
      },
    ],
  },
  {
    name: "a write whose outcome is unknown counts as failed",
    breaks: "S12",
    world: "job",
    edits: [
      {
        file: JOB_LOG,
        find: "return entry !== undefined && sameBytes(entry.value, bytes) && isOurs();",
        replace: "return false;",
      },
    ],
  },
  {
    name: "a write whose outcome is unknown counts as done",
    breaks: "S12",
    world: "job",
    edits: [
      {
        file: JOB_LOG,
        find: "const { succeeded } = await untilAvailable(this.#timing, txn, () => this.#closed);",
        replace: "const { succeeded } = await txn().catch(() => ({ succeeded: true }));",
      },
    ],
  },
  {
    name: "a submission is acknowledged before the store has it",
    breaks: "S1",
    world: "nodes",
    edits: [
      {
        file: JOB_LOG,
        find: "const written = (await this.#write(0, bytes, submit)) || (await this.#write(0, bytes, submit));",
        replace: "const written = true; this.#closed = true; void this.#write(0, bytes, submit);",
      },
    ],
  },
  {
    name: "a decision counts before the log has it",
    breaks: "S3",
    world: "job",
    edits: [
      {
        file: DRIVER_HOST,
        find: `if (appended) this.#post({ kind: "recordAppended", seq: record.seq });
        else this.depose();`,
        replace: "if (!appended) this.depose();",
      },
      {
        file: DRIVER_HOST,
        find: "this.#options.append(record).then(",
        replace: `queueMicrotask(() => this.#post({ kind: "recordAppended", seq: record.seq }));
    this.#options.append(record).then(`,
      },
    ],
  },
  {
    name: "a driver takes up less of a record than it wrote",
    breaks: "S3",
    world: "job",
    edits: [
      {
        file: "core/decisions.ts",
        find: "this.#state.applyRecord(record);",
        replace: `const events = record.events.map((event) => event.kind === "taskCompleted" ? { ...event, output: { ...event.output, sinkRows: [] } } : event);
    this.#state.applyRecord({ ...record, events });`,
      },
    ],
  },
  {
    name: "a job that has ended stays open",
    breaks: "L15",
    world: "nodes",
    edits: [{ file: JOB_LOG, find: `{ kind: "delete", key: this.#keys.open } as const,`, replace: "" }],
  },
  // ---- Attempts and their reports
  {
    name: "a report of an attempt that is not live is accepted",
    breaks: "S4",
    world: "job",
    edits: [
      {
        file: OUTCOMES,
        find: "if (live === undefined || live.worker !== worker.id) return false;",
        replace: `if (live === undefined) {
      if (outcome.kind === "finished") this.#decisions.add({ kind: "taskCompleted", attempt, output: outcome.output });
      return false;
    }`,
      },
    ],
  },
  {
    name: "a report that comes twice counts twice",
    breaks: "S4",
    world: "job",
    edits: [{ file: OUTCOMES, find: "if (live.recording) return true;", replace: "" }],
  },
  {
    name: "both of two rivals complete their task",
    breaks: "S4",
    world: "job",
    rates: { nodeIsSlow: 0.5 },
    edits: [{ file: OUTCOMES, find: "if (live.rival?.recording === true) return true;", replace: "" }],
  },
  {
    name: "the loser of two rivals stays live",
    breaks: "S4",
    world: "job",
    edits: [
      {
        file: DRIVER,
        find: "if (live.rival !== undefined) this.#dropRival(live, live.rival, orders);",
        replace: "",
      },
    ],
  },
  {
    name: "attempts of a task share one number",
    breaks: "S4",
    world: "job",
    edits: [
      {
        file: "core/task-table.ts",
        find: "return this.#attempts[task.stage]![task.partition]!++;",
        replace: "return this.#attempts[task.stage]![task.partition]!;",
      },
    ],
  },
  {
    name: "orders that were lost are not given again",
    breaks: "L15",
    world: "job",
    edits: [
      {
        file: DRIVER,
        find: "if (known < worker.running.size) orders.start.push(...this.#unheardOf(worker, poll));",
        replace: "",
      },
    ],
  },
  {
    name: "a driver goes on with attempts whose inputs have changed",
    breaks: "S5",
    world: "nodes",
    rates: { blockLossEveryMs: 250, driverKillEveryMs: 5_000, messageLate: 0.6, stutterEveryMs: 3_000 },
    edits: [{ file: JOB_STATE, find: "&& this.#changedSeq[from]! < asOfSeq", replace: "" }],
  },
  {
    name: "a driver goes on where a worker follows another one of its epoch",
    breaks: "L15",
    world: "nodes",
    rates: { setBackEveryMs: 2_500 },
    edits: [
      {
        file: DRIVER,
        find: "if (above !== undefined) return this.#standAside(above);",
        replace: "",
      },
    ],
  },
  // ---- Outputs, their loss and their checksums
  {
    name: "the loss of an output is forgotten",
    breaks: "L15",
    world: "job",
    edits: [
      {
        file: OUTCOMES,
        find: "const { known, newly } = this.#decisions.addLostBlocks(keys);",
        replace: "const { known, newly } = { known: false, newly: [] };",
      },
    ],
  },
  {
    name: "a new driver does not read what was lost",
    breaks: "S3",
    world: "job",
    edits: [{ file: JOB_STATE, find: "this.#lose(event.attempt);", replace: "" }],
  },
  {
    name: "the checksum of a frame is not compared",
    breaks: "S13",
    world: "nodes",
    rates: { blockLossEveryMs: 300 },
    edits: [
      {
        file: FRAME,
        find: "if (stored !== extent.crc || stored !== crcOf(frame, crc32))",
        replace: "if (stored === -1)",
      },
    ],
  },
  {
    name: "the checksum of a block's index is not compared, nor that of its trailer",
    breaks: "S13",
    world: "nodes",
    rates: { blockLossEveryMs: 300 },
    edits: [
      {
        file: BLOCK_READER,
        find: "if (trailer.indexCrc !== ref.checksum || crc32(index) !== ref.checksum) {",
        replace: "if (trailer.indexOffset < 0) {",
      },
      {
        file: "engine/shuffle/block/block-format.ts",
        find: `if (from.u32() !== crc) throw new RangeError("the checksum of its trailer does not match");`,
        replace: "from.u32();",
      },
    ],
  },
  {
    name: "tasks start before all their inputs are there",
    breaks: "S5",
    world: "job",
    edits: [
      {
        file: DISPATCHER,
        find: "return dependsOn.length === 0 || dependsOn.every((id) => this.#state.isStageComplete(id));",
        replace: "return dependsOn.length === 0 || dependsOn.some((id) => this.#state.isStageComplete(id));",
      },
      {
        file: JOB_STATE,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of the source.
        find: "assert(this.isStageComplete(stage), `blocks are taken from complete stages, and stage ${stage} is not`);",
        replace: "",
      },
    ],
  },
  {
    name: "the commit stands in the log before the outputs are shown",
    breaks: "S7",
    world: "job",
    edits: [
      {
        file: DRIVE_JOB,
        find: "await shown;",
        replace: "void shown;",
      },
    ],
  },
  {
    name: "a driver that finds all tasks complete does not commit",
    breaks: "L15",
    world: "job",
    edits: [
      {
        file: DRIVER,
        find: "waitMs: 0 });\n        return this.#commitIfComplete();",
        replace: "waitMs: 0 });\n        return;",
      },
    ],
  },
  {
    name: "results that cannot be read are not lost",
    breaks: "L15",
    world: "job",
    edits: [
      {
        file: DRIVE_JOB,
        find: "if (key === undefined) throw error;",
        replace: "throw error;",
      },
    ],
  },
  {
    name: "an output that is lost and made again may be another, whoever has read the former one",
    breaks: "S6",
    world: "job",
    jobs: "unstable",
    edits: [{ file: JOB_STATE, find: "this.#mixed ??= attempt;", replace: "void attempt;" }],
  },
  {
    name: "an attempt that was lost counts as a failure of its task",
    breaks: "L19",
    world: "job",
    jobs: "poison",
    rates: { workerKillEveryMs: 2_000 },
    edits: [
      {
        file: OUTCOMES,
        find: "if (live.rival === undefined) this.#dispatcher.enqueue(live.id);",
        replace: `this.#dispatcher.health.fail(live.id, live.worker, this.#step.nowMs);
    if (live.rival === undefined) this.#dispatcher.enqueue(live.id);`,
      },
    ],
  },
  {
    name: "a task that fails is tried again without end",
    breaks: "L19",
    world: "job",
    jobs: "poison",
    edits: [
      {
        file: OUTCOMES,
        find: "const last = !error.retryable || (tries >= triesMax && rival === undefined);",
        replace: "const last = !error.retryable && rival === undefined && tries >= triesMax;",
      },
    ],
  },
  {
    name: "a job that fails says so of another attempt than the one that failed",
    breaks: "L19",
    world: "job",
    edits: [
      {
        file: OUTCOMES,
        find: "return this.#fail(attempt, error);",
        replace: `return this.#fail({ ...attempt, attempt: 0 }, error);`,
      },
    ],
  },
  // ---- Whole nodes
  {
    name: "the blocks of a node that nobody reaches are never given up",
    breaks: "L15",
    world: "nodes",
    edits: [
      {
        file: OUTCOMES,
        find: "this.#decisions.addLostBlocks(this.#state.neededBlocksAt(nodeId(node)));",
        replace: "",
      },
    ],
  },
  {
    name: "what a job that has not ended has stored is swept",
    breaks: "S11",
    world: "nodes",
    edits: [
      {
        file: "runtime/cluster/cluster-node.ts",
        find: `const isOver = entry === undefined || end?.kind === "committed";
    if (isOver && !this.#places.has(job) && !this.#closed)`,
        replace: `const isOver = entry === undefined || end?.kind !== undefined;
    if (isOver && !this.#closed)`,
      },
    ],
  },
  {
    name: "a node that loses its lease does not come back",
    breaks: "L16",
    world: "nodes",
    edits: [
      {
        file: "runtime/cluster/members.ts",
        find: "() => this.#again(round)),",
        replace: "() => {}),",
      },
    ],
  },
  {
    name: "a driver that is told that its lease has ended goes on",
    breaks: "L16",
    world: "job",
    edits: [{ file: DRIVER_LEASE, find: "if (alive === false) this.#lose();", replace: "" }],
  },
  {
    name: "a driver that hears nothing of its lease goes on for good",
    breaks: "L16",
    world: "job",
    edits: [
      { file: DRIVER_LEASE, find: "if (sentMs >= this.#validUntilMs) return this.#lose();", replace: "" },
    ],
  },
  {
    name: "a worker that fell silent is never given up",
    breaks: "L20",
    world: "nodes",
    edits: [
      {
        file: DRIVER,
        find: "if (silentMs >= this.#options.workerLeaseMs) return this.#loseWorker(worker);",
        replace: "if (silentMs >= this.#options.workerLeaseMs) return this.#timers.set(timer, silentMs);",
      },
    ],
  },
  {
    name: "nobody takes a job over whose driver has gone",
    breaks: "L16",
    world: "nodes",
    edits: [
      {
        file: SEAT,
        find: "if (this.#owner === undefined) return this.#campaign();\n    if (this.#standing",
        replace: "if (this.#owner === undefined) return;\n    if (this.#standing",
      },
    ],
  },
  {
    name: "a lease that nothing hangs on is kept alive",
    breaks: "L18",
    world: "nodes",
    rates: { storeFull: 0.1, leaseCutEveryMs: 2_000 },
    edits: [
      {
        file: "runtime/cluster/members.ts",
        find: "if (this.#closed || round !== this.#round) return void lease.end();",
        replace: "if (this.#closed) return void lease.end();",
      },
      {
        file: "runtime/cluster/members.ts",
        find: "(round === this.#round ? this.#register() : undefined)",
        replace: "this.#register()",
      },
    ],
  },
  {
    name: "a watch goes on after what was compacted, and does not say so",
    breaks: "S10",
    world: "nodes",
    edits: [
      {
        file: "ports/control-store-watches.ts",
        find: `this.#open.delete(watch);
      watch.onEvent({ kind: "compacted", compactRevision: history.firstRevision });
      return;`,
        replace: "watch.next = history.firstRevision;",
      },
    ],
  },
  {
    name: "a watch that ended is not followed by a list",
    breaks: "L15",
    world: "nodes",
    edits: [
      {
        file: "runtime/cluster/range-view.ts",
        find: `if (event.kind !== "changes") return this.#relist(event.kind === "compacted" ? 0 : FAILED_PAUSE_MS);`,
        replace: `if (event.kind !== "changes") return;`,
      },
      {
        file: "runtime/cluster/range-view.ts",
        find: "this.#cancelRelist = timing.clock.setTimer(RELIST_MS, () => this.#relist(0));",
        replace: "",
      },
    ],
  },
  {
    name: "a driver that is asked for a list has none",
    breaks: "L15",
    world: "nodes",
    edits: [{ file: LISTS, find: "if (list !== undefined) lists[name] = list;", replace: "" }],
  },
];
