/** Options that were not given, from the environment and from the config file, in this order. */
import type { CliIo } from "../io.ts";
import { readConfigFile } from "./config-file.ts";
import type { GivenOptions, OwnOption } from "./options.ts";

/** By option: the variable and the key of the config file that stand for it. */
const SETTINGS: Readonly<Record<string, { readonly variable?: string; readonly key: string }>> = {
  store: { variable: "BICOASTAL_STORE", key: "store" },
  // The session reads the variable: programs have no command line.
  "data-dir": { key: "dataDir" },
  name: { variable: "BICOASTAL_NAME", key: "name" },
  host: { variable: "BICOASTAL_HOST", key: "host" },
  port: { variable: "BICOASTAL_PORT", key: "port" },
  address: { variable: "BICOASTAL_ADDRESS", key: "address" },
  region: { variable: "BICOASTAL_REGION", key: "region" },
  domain: { variable: "BICOASTAL_DOMAIN", key: "domain" },
  threads: { variable: "BICOASTAL_THREADS", key: "threads" },
  memory: { variable: "BICOASTAL_MEMORY", key: "memory" },
  lease: { variable: "BICOASTAL_LEASE", key: "lease" },
  "drain-timeout": { variable: "BICOASTAL_DRAIN_TIMEOUT", key: "drainTimeout" },
  "log-level": { variable: "BICOASTAL_LOG_LEVEL", key: "logLevel" },
  "tls-ca": { variable: "BICOASTAL_TLS_CA", key: "tlsCa" },
  "tls-cert": { variable: "BICOASTAL_TLS_CERT", key: "tlsCert" },
  "tls-key": { variable: "BICOASTAL_TLS_KEY", key: "tlsKey" },
};

/** Variables that would set what `bicoastal dev` decides for its nodes. What these and their clients know each other by is none. */
export const SETTING_VARIABLES: readonly string[] = Object.entries(SETTINGS).flatMap(
  ([name, { variable }]) => (name.startsWith("tls-") ? [] : (variable ?? [])),
);

/** For a process whose options are all given: no config file is read. */
export const NO_CONFIG_VARIABLE = "BICOASTAL_NO_CONFIG";

/** What each node decides for itself, when a job is given to a cluster. */
const OF_NODES: ReadonlySet<string> = new Set(["threads", "memory"]);

/** @param own The command's options. Throws USAGE for a config file that is wrong. */
export async function withSettings(
  given: GivenOptions,
  own: readonly OwnOption[],
  { env, cwd }: Pick<CliIo, "env" | "cwd">,
): Promise<GivenOptions> {
  if (given.has("help")) return given;
  const config = env[NO_CONFIG_VARIABLE] ? new Map<string, string>() : await readConfigFile(cwd);
  const options = new Map(given);
  const names = own.map(({ name }) => name);
  const isNode = names.includes("region");
  for (const name of names.toSorted((a, b) => Number(b === "store") - Number(a === "store"))) {
    const setting = SETTINGS[name];
    if (setting === undefined || options.has(name)) continue;
    if (!isNode && OF_NODES.has(name) && options.has("store")) continue;
    if (name === "data-dir" && env.BICOASTAL_DATA_DIR) continue;
    const text = (setting.variable === undefined ? "" : env[setting.variable]) || config.get(setting.key);
    if (text !== undefined && text !== "") options.set(name, text);
  }
  return options;
}
