/**
 * Names of the command line's own options. A param of such a name could not be told from the option, so it is
 * refused where the job is defined. `detach`, `domain`, `region` and `store` have no option yet: taking them later
 * would break users' jobs.
 */
const OPTION_NAMES = [
  "attempts",
  "data-dir",
  "debug",
  "detach",
  "domain",
  "help",
  "job",
  "json",
  "memory",
  "params",
  "quiet",
  "region",
  "store",
  "task-timeout",
  "threads",
] as const;

const toCamelCase = (name: string): string =>
  name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Both spellings of every option, `data-dir` and `dataDir`; ascending. */
export const RESERVED_PARAM_NAMES: readonly string[] = Object.freeze(
  [...new Set(OPTION_NAMES.flatMap((name) => [name, toCamelCase(name)]))].sort(),
);
const RESERVED: ReadonlySet<string> = new Set(RESERVED_PARAM_NAMES);

/** Whether a param of this name would collide with an option, in whatever spelling; `no-…` turns a flag off. */
export const isReservedParamName = (name: string): boolean =>
  RESERVED.has(name) || RESERVED.has(toFlagName(name)) || toFlagName(name).startsWith("no-");

/** The command line's spelling of a param: `maxRows` and `max_rows` become `max-rows`. */
export function toFlagName(param: string): string {
  return param
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}
