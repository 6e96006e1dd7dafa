/** The config file of the working directory. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BicoastalConfig } from "../../api/config.ts";
import { showValue } from "../../api/show-value.ts";
import { adviseNames } from "../../api/suggest.ts";
import { BicoastalError } from "../../base/errors.ts";

const NAMES = ["ts", "mts", "js", "mjs", "json"].map((extension) => `bicoastal.config.${extension}`);

/** What each key may be. */
const KEYS: Readonly<Record<keyof BicoastalConfig, readonly ("string" | "number")[]>> = {
  store: ["string"],
  dataDir: ["string"],
  name: ["string"],
  host: ["string"],
  port: ["number"],
  address: ["string"],
  region: ["string"],
  domain: ["string"],
  threads: ["number"],
  memory: ["number", "string"],
  lease: ["string"],
  drainTimeout: ["string"],
  logLevel: ["string"],
  tlsCa: ["string"],
  tlsCert: ["string"],
  tlsKey: ["string"],
};

/** By key, as text. Empty where there is no file. Throws USAGE, naming the file and the key. */
export async function readConfigFile(directory: string): Promise<ReadonlyMap<string, string>> {
  const [name, other] = NAMES.filter((each) => existsSync(join(directory, each)));
  if (name === undefined) return new Map();
  if (other !== undefined)
    throw new BicoastalError("USAGE", `There are both ${name} and ${other}. Keep one of them.`, {
      details: { file: join(directory, name) },
    });
  const file = join(directory, name);
  return check(file, await load(file));
}

async function load(file: string): Promise<unknown> {
  try {
    if (file.endsWith(".json")) return JSON.parse(await readFile(file, "utf8"));
    const url = /\.m?ts$/.test(file) ? await bundled(file) : pathToFileURL(file).href;
    return ((await import(url)) as { readonly default?: unknown }).default;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BicoastalError("USAGE", `The config file ${file} cannot be read: ${reason}`, {
      details: { file },
      cause,
    });
  }
}

/** As a module without files, with all that it imports but this package, of which it needs no more than one name. */
async function bundled(file: string): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    logLevel: "silent",
    plugins: [
      {
        name: "bicoastal",
        setup(on) {
          on.onResolve({ filter: /^bicoastal$/ }, ({ path }) => ({ path, namespace: "bicoastal" }));
          on.onLoad({ filter: /.*/, namespace: "bicoastal" }, () => ({
            contents: "export const defineConfig = (config) => config;",
          }));
        },
      },
    ],
  });
  return `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString("base64")}`;
}

function check(file: string, config: unknown): ReadonlyMap<string, string> {
  const wrong = (what: string, details: { readonly key?: string } = {}): BicoastalError =>
    new BicoastalError("USAGE", `The config file ${file} ${what}`, { details: { file, ...details } });
  if (typeof config !== "object" || config === null || Array.isArray(config))
    throw wrong(
      file.endsWith(".json")
        ? "holds no object."
        : "exports no config: write export default defineConfig({ … }).",
    );
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(config)) {
    const types = Object.hasOwn(KEYS, key) ? KEYS[key as keyof BicoastalConfig] : undefined;
    if (types === undefined)
      throw wrong(
        `has a key ${showValue(key)}, which is none. ${adviseNames(key, Object.keys(KEYS), "keys")}`,
        { key },
      );
    if (value === undefined) continue;
    if (!types.some((type) => typeof value === type))
      throw wrong(`has ${showValue(value)} as ${key}; that is a ${types.join(" or a ")}.`, { key });
    texts.set(key, String(value));
  }
  return texts;
}
