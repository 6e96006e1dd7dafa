/** The command lines of `run FILE …` and `explain FILE …`: our options, and the flags of the job in FILE. */
import type { Job } from "../../api/job.ts";
import type { FlagTexts, ParamFlag, ParamType } from "../../api/param-flag.ts";
import type { RunOptions } from "../../api/session.ts";
import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { CommandContext } from "../dependencies.ts";
import { dataDirIn } from "./known-jobs.ts";
import { dataDirOf, type GivenOptions, type OwnOption, onceEach, readRunOptions } from "./options.ts";
import { readParamsFile } from "./params-file.ts";
import { withSettings } from "./settings.ts";
import type { FlagSpec, GivenFlag } from "./tokens.ts";
import { readTokens, readUntilOperand } from "./tokens.ts";

export interface JobCommandLine {
  /** As the user wrote it. */
  readonly file: string;
  readonly job: Job;
  readonly options: GivenOptions;
  /** From `--params`. */
  readonly params: unknown;
  readonly flags: FlagTexts;
}

/**
 * Loads FILE and reads the flags that it makes possible. Undefined: `--help` was given without a FILE.
 * Throws USAGE, and whatever loading throws.
 */
export async function readJobCommandLine(
  tokens: readonly string[],
  command: string,
  own: readonly OwnOption[],
  { io, dependencies }: Pick<CommandContext, "io" | "dependencies">,
): Promise<JobCommandLine | undefined> {
  const before = readUntilOperand(tokens, {
    flags: own,
    open: false,
    unknownHint: "Flags of the job itself come after FILE.",
  });
  const [file] = before.operands;
  if (file === undefined || file === "") {
    if (before.flags.some(({ name }) => name === "help")) return undefined;
    throw usage(`Which job? Give the file that defines it: bicoastal ${command} FILE.`);
  }
  // Needed to load the job, whose flags are needed to read the rest: looked for, and read in earnest below.
  const earlyGiven = onceEach([...before.flags, ...ownFlagsAfter(before.rest, own)]);
  const early = await withSettings(earlyGiven, own, io);
  const run = command === "run" ? earlyRunOptions(early) : {};
  const isLook = command === "explain" || early.has("help");
  const lookOnly = isLook && !dependencies.hasDataDir(dataDirIn(early, io));
  const request = { file, name: early.get("job"), lookOnly, ...dataDirOf(early) };
  const job = await dependencies.loadJob({ ...request, ...run });
  const after = readTokens(before.rest, {
    flags: [...job.params.flags.map(specOf), ...own],
    open: job.params.open,
    unknownHint: `See bicoastal ${command} ${showFile(file)} --help.`,
  });
  const [extra] = after.operands;
  if (extra !== undefined) {
    throw usage(
      `${showValue(extra)} belongs to no flag. Values follow their flag: --name value. See --help.`,
    );
  }
  const ownNames = new Set(own.map(({ name }) => name));
  const isOwn = ({ name }: GivenFlag): boolean => ownNames.has(name);
  const given = onceEach([...before.flags, ...after.flags.filter(isOwn)]);
  const options = await withSettings(given, own, io);
  const flags = textsByParam(
    after.flags.filter((flag) => !isOwn(flag)),
    job.params.flags,
  );
  const paramsFile = options.has("help") ? undefined : options.get("params");
  const params = paramsFile === undefined ? undefined : await readParamsFile(paramsFile);
  return { file, job, options, params, flags };
}

/** What is told wrongly here is told so when it is read in earnest. */
function earlyRunOptions(early: GivenOptions): { run?: RunOptions } {
  // With a store its nodes run it.
  if (early.has("help") || early.has("store") || early.has("detach")) return {};
  try {
    return { run: readRunOptions(early) };
  } catch {
    return {};
  }
}

/** Options that loading the job needs, or that tell which threads will run it. */
const EARLY: readonly string[] = ["job", "data-dir", "threads", "memory", "debug", "store", "detach", "help"];

/** Those after FILE, found without knowing the job's flags. */
function ownFlagsAfter(rest: readonly string[], own: readonly OwnOption[]): GivenFlag[] {
  const wanted = own.filter(({ name }) => EARLY.includes(name));
  const end = rest.indexOf("--");
  const found: GivenFlag[] = [];
  for (const [index, token] of rest.slice(0, end === -1 ? undefined : end).entries()) {
    for (const { name, value } of wanted) {
      const next = rest[index + 1];
      if (value === "none") {
        if (token === `--${name}`) found.push({ name, text: "" });
      } else if (token.startsWith(`--${name}=`)) found.push({ name, text: token.slice(name.length + 3) });
      else if (token === `--${name}` && next !== undefined) found.push({ name, text: next });
    }
  }
  return found;
}

function specOf(flag: ParamFlag): FlagSpec {
  return { name: flag.flag, value: VALUE_OF_TYPE[flag.type] };
}

const VALUE_OF_TYPE: Readonly<Record<ParamType, FlagSpec["value"]>> = {
  string: "required",
  number: "required",
  boolean: "switch",
  "string[]": "required",
  "number[]": "required",
  "boolean[]": "switch",
  json: "required",
  any: "optional",
};

/** By the params' own names; a flag that no param has (of an open schema) stands for itself. */
function textsByParam(given: readonly GivenFlag[], known: readonly ParamFlag[]): FlagTexts {
  const names = new Map(known.map(({ flag, name }) => [flag, name]));
  const texts = new Map<string, string[]>();
  for (const { name, text } of given) {
    const param = names.get(name) ?? name;
    const list = texts.get(param);
    if (list === undefined) texts.set(param, [text]);
    else list.push(text);
  }
  return texts;
}

const showFile = (file: string): string => (/^[\w./-]{1,80}$/.test(file) ? file : "FILE");

const usage = (message: string): BicoastalError => new BicoastalError("USAGE", message);
