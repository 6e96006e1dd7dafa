/** The command line: finds the command, runs it, and turns whatever comes of it into an exit code. */
import { showValue } from "../api/show-value.ts";
import { adviseNames } from "../api/suggest.ts";
import { BicoastalError } from "../base/errors.ts";
import { checkWritten } from "./check-written.ts";
import type { CliDependencies, Command, CommandContext } from "./dependencies.ts";
import { type CliIo, EXIT } from "./io.ts";

export interface MainOptions {
  /** Without `node` and the script. */
  readonly argv: readonly string[];
  readonly io: CliIo;
  readonly dependencies: CliDependencies;
  readonly ownRoot: string;
}

/** Each loaded when it is called for: `--help` must not wait for the store. */
const COMMANDS: ReadonlyMap<string, () => Promise<{ readonly command: Command }>> = new Map([
  ["init", () => import("./commands/init.ts")],
  ["run", () => import("./commands/run.ts")],
  ["explain", () => import("./commands/explain.ts")],
  ["jobs", () => import("./commands/jobs.ts")],
  ["job", () => import("./commands/job.ts")],
  ["logs", () => import("./commands/logs.ts")],
  ["resume", () => import("./commands/resume.ts")],
  ["cancel", () => import("./commands/cancel.ts")],
  ["rm", () => import("./commands/rm.ts")],
  ["node", () => import("./commands/node.ts")],
  ["certs", () => import("./commands/certs.ts")],
  ["doctor", () => import("./commands/doctor.ts")],
  ["dev", () => import("./commands/dev.ts")],
  ["drain", () => import("./commands/drain.ts")],
  ["nodes", () => import("./commands/nodes.ts")],
]);

/** Resolves with the exit code; every error has been told by then. */
export async function main({ argv, io, dependencies, ownRoot }: MainOptions): Promise<number> {
  const [name, ...tokens] = argv;
  const context: CommandContext = { tokens, io, dependencies, ownRoot };
  try {
    const code = await dispatch(name, context);
    if (code === EXIT.ok) checkWritten(io.stdout);
    return code;
  } catch (error) {
    const { errorJson, errorLines, exitCodeOfError } = await import("./show/error.ts");
    const errorContext = { cwd: io.cwd, ownRoot, style: io.stderr.style.bind(io.stderr) };
    const text = wantsJson(tokens)
      ? errorJson(error, errorContext)
      : errorLines(error, errorContext).join("\n");
    await io.stderr.write(`${text}\n`);
    return exitCodeOfError(error);
  }
}

async function dispatch(name: string | undefined, context: CommandContext): Promise<number> {
  const { io, tokens } = context;
  if (name === "--version" || name === "-v" || name === "-V") {
    const { packageVersion } = await import("./version.ts");
    await io.stdout.write(`${packageVersion()}\n`);
    return EXIT.ok;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const [topic] = tokens;
    if (name === "help" && topic !== undefined && topic !== "help") {
      return await runCommand(topic, { ...context, tokens: ["--help"] });
    }
    await showHelp(name === undefined ? io.stderr : io.stdout);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  return await runCommand(name, context);
}

async function runCommand(name: string, context: CommandContext): Promise<number> {
  const load = COMMANDS.get(name);
  if (load !== undefined) return await (await load()).command(context);
  const known = [...COMMANDS.keys(), "help"];
  const looksLikeFile = /\.[cm]?[jt]sx?$/.test(name) ? " To run a job: bicoastal run FILE." : "";
  throw new BicoastalError(
    "USAGE",
    `There is no command ${showValue(name)}. ${adviseNames(name, known, "commands")}${looksLikeFile}`,
    { details: { command: name.slice(0, 100) } },
  );
}

async function showHelp(output: CliIo["stdout"]): Promise<void> {
  const [{ mainHelp }, { renderHelp }, { packageVersion }] = await Promise.all([
    import("./show/help-pages.ts"),
    import("./show/help.ts"),
    import("./version.ts"),
  ]);
  await output.write(renderHelp(mainHelp(packageVersion()), output));
}

/** As far as it can be told of a command line that could not be read. */
function wantsJson(tokens: readonly string[]): boolean {
  const end = tokens.indexOf("--");
  return tokens.slice(0, end === -1 ? undefined : end).includes("--json");
}
