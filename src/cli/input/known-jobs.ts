/** For commands that only ask for jobs there are: where there is no data directory there are none, and none is made. */
import type { JobSummary, Session } from "../../api/session.ts";
import type { CommandContext } from "../dependencies.ts";
import { jobNotFound, resolveJobId } from "./job-id.ts";
import { type GivenOptions, namedDataDir, sessionOptionsOf } from "./options.ts";

type Context = Pick<CommandContext, "io" | "dependencies">;

const DATA_DIR_DEFAULT = ".bicoastal";

/** The data directory, whoever named it. */
export const dataDirIn = (options: GivenOptions, { env }: Pick<CommandContext["io"], "env">): string =>
  namedDataDir(options, env) ?? DATA_DIR_DEFAULT;

/** Undefined: there are none. The caller closes it. */
async function openKnown(options: GivenOptions, { io, dependencies }: Context): Promise<Session | undefined> {
  if (!options.has("store") && !dependencies.hasDataDir(dataDirIn(options, io))) return undefined;
  return await dependencies.connect(sessionOptionsOf(options));
}

/** The jobs there are, newest first. */
export async function knownJobs(options: GivenOptions, context: Context): Promise<readonly JobSummary[]> {
  const session = await openKnown(options, context);
  if (session === undefined) return [];
  try {
    return await session.jobs();
  } finally {
    await session.close();
  }
}

/** @param text As a person named the job. Throws JOB_NOT_FOUND, and USAGE where several begin so. */
export async function withJob<T>(
  text: string,
  options: GivenOptions,
  context: Context,
  use: (session: Session, job: string) => Promise<T>,
): Promise<T> {
  const inCluster = options.has("store");
  const session = await openKnown(options, context);
  if (session === undefined) throw jobNotFound(text, [], inCluster);
  try {
    return await use(session, resolveJobId(text, await session.jobs(), inCluster));
  } finally {
    await session.close();
  }
}
