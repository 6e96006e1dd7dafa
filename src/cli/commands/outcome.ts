/** Runs a job to its end before the user's eyes: progress, Ctrl-C, results, and how to go on after a failure. */
import type { JobOutcome, RunOptions } from "../../api/session.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { RunEvent } from "../../runtime/events.ts";
import { checkWritten } from "../check-written.ts";
import type { CommandContext } from "../dependencies.ts";
import type { GivenOptions } from "../input/options.ts";
import { namedDataDir, readRunOptions } from "../input/options.ts";
import { listenForInterrupt, NOT_LISTENING, SIGNAL_NAMES } from "../interrupt.ts";
import { type CliIo, EXIT, exitCodeOf, type StopSignal } from "../io.ts";
import { progressDisplay } from "../progress.ts";
import { errorJson, errorLines, exitCodeOfError, followHint, resumeHint } from "../show/error.ts";
import { escapeText } from "../show/escape.ts";
import { toJsonLine } from "../show/json.ts";
import { printForMachines, printForPeople, summaryLines } from "../show/outcome.ts";

/**
 * @param start Begins the run with these options.
 * @param known The job's id, where it has one before it is started.
 */
export async function runToEnd(
  context: CommandContext,
  given: GivenOptions,
  start: (options: RunOptions) => Promise<JobOutcome>,
  known?: string,
): Promise<number> {
  const { io } = context;
  const json = given.has("json");
  const options = readRunOptions(given);
  // A function that never ends holds this very thread with --debug: only the signal's own effect still works then, and
  // it takes nothing back, such as a hidden cursor.
  const debug = options.debug ?? false;
  const display = progressDisplay(io, { quiet: given.has("quiet"), plain: debug });
  const where = { dataDir: namedDataDir(given, io.env), store: given.get("store") };
  let job = known;
  const onFirst = (name: string): void =>
    display.onEvent({ kind: "stopping", reason: `${name}. Finishing cleanly; once more ends at once` });
  const leave = (signal: StopSignal): void => {
    display.close();
    io.writeErrSync(`${leftBehind(SIGNAL_NAMES[signal], job, where)}\n`);
    io.exit(exitCodeOf(signal));
  };
  const interrupt = debug
    ? NOT_LISTENING
    : listenForInterrupt(io, onFirst, where.store === undefined ? undefined : leave);
  const onEvent = (event: RunEvent): void => {
    if (event.kind === "started") job = event.job;
    // Said already, by us and at once.
    if (event.kind === "stopping" && interrupt.received !== undefined) return;
    display.onEvent(event);
  };
  try {
    const outcome = await start({ ...options, signal: interrupt.signal, onEvent });
    display.close();
    await (json ? printForMachines : printForPeople)(outcome, io.stdout);
    checkWritten(io.stdout);
    if (!given.has("quiet")) await io.stderr.write(`${summaryLines(outcome, io.stderr).join("\n")}\n`);
    return EXIT.ok;
  } catch (error) {
    display.close();
    return await reportFailure(error, { context, json, job, where, received: interrupt.received });
  } finally {
    display.close();
    interrupt.close();
  }
}

/** The id of a job that was left to the nodes. */
export async function tellDetached(job: string, given: GivenOptions, io: CliIo): Promise<number> {
  const json = given.has("json");
  await io.stdout.write(`${json ? toJsonLine({ job }, `Job ${job}`) : escapeText(job)}\n`);
  if (!json && !given.has("quiet"))
    await io.stderr.write(
      "The nodes run it. `bicoastal job` shows how far it is, `bicoastal logs` what it says, `bicoastal cancel` stops it.\n",
    );
  return EXIT.ok;
}

/** @param job Undefined: it may have been submitted just now, or not. */
function leftBehind(why: string, job: string | undefined, where: Where): string {
  if (job === undefined) return `${why}, before the cluster had said that it has the job`;
  return `${why}: the cluster's nodes go on with ${escapeText(job)}\n${followHint(job, where)}`;
}

/** What `resume` must be told to find the job. */
interface Where {
  readonly dataDir: string | undefined;
  readonly store: string | undefined;
}

interface Failure {
  readonly context: CommandContext;
  readonly json: boolean;
  readonly job: string | undefined;
  readonly where: Where;
  readonly received: ReturnType<typeof listenForInterrupt>["received"];
}

async function reportFailure(
  error: unknown,
  { context, json, job, where, received }: Failure,
): Promise<number> {
  const { io } = context;
  const stopped = received !== undefined && error instanceof BicoastalError && error.code === "JOB_CANCELLED";
  if (json) {
    await io.stderr.write(`${errorJson(error, errorContext(context, job, where))}\n`);
  } else if (stopped) {
    const hint = job === undefined ? [] : [resumeHint(job, where)];
    await io.stderr.write(`${[io.stderr.style("yellow", "stopped"), ...hint].join("\n")}\n`);
  } else {
    await io.stderr.write(`${errorLines(error, errorContext(context, job, where)).join("\n")}\n`);
  }
  return stopped ? exitCodeOf(received) : exitCodeOfError(error);
}

export const errorContext = (context: CommandContext, job?: string, where: Partial<Where> = {}) => ({
  cwd: context.io.cwd,
  ownRoot: context.ownRoot,
  style: context.io.stderr.style.bind(context.io.stderr),
  job,
  ...where,
});
