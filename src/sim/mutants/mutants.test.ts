/**
 * Every planted bug is found within so many seeds. Each mutant is a bundle of the simulator of its own, in which the text of
 * a few modules was changed, run by a process of its own.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build, type Plugin } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Edit, MUTANTS, type Mutant } from "./mutants.ts";

const SEEDS_MAX = 250;
/** Far more than it takes, where others use the machine as well. */
const RUN_MS_MAX = 600_000;
/** What else is set back hides more of what is planted than it shows. */
const UNLESS_NAMED = { setBackEveryMs: 0 };

const src = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const run = promisify(execFile);
/** Inside node_modules, so that packages that are left out of the bundle are found from there. */
let directory: string;

beforeAll(() => {
  const cache = join(src, "..", "node_modules", ".cache", "bicoastal");
  mkdirSync(cache, { recursive: true });
  directory = mkdtempSync(join(cache, "mutants-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Says of the first seed that fails what was found. */
const ENTRY = `
import { createMsgpackCodec } from "./adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "./adapters/codec/zlib.ts";
import { runNodeSeed } from "./sim/worlds/run-node-seed.ts";
import { runSeed } from "./sim/worlds/run-seed.ts";
const [world, seeds, options] = process.argv.slice(2);
const run = world === "job" ? runSeed : runNodeSeed;
const libraries = { codec: createMsgpackCodec(), crc32, gzip };
let found;
let current;
// A node would go down with it.
process.on("unhandledRejection", (error) => tell({ seed: current, problem: String(error) }));
for (let seed = 0; seed < Number(seeds) && found === undefined; seed++) {
  current = seed;
  const { problems } = await run(String(seed), libraries, JSON.parse(options));
  if (problems.length > 0) found = { seed, problem: problems[0].split("\\n")[0] };
}
tell(found ?? {});
function tell(what) {
  console.log(JSON.stringify(what));
  process.exit(0);
}
`;

function planting(edits: readonly Edit[]): Plugin {
  const left = new Set(edits);
  return {
    name: "plants a bug",
    setup(bundle) {
      bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(src, path).replaceAll("\\", "/");
        let contents = readFileSync(path, "utf8");
        for (const edit of edits) {
          if (edit.file !== file) continue;
          left.delete(edit);
          const parts = contents.split(edit.find);
          if (parts.length !== 2)
            throw new Error(`${file} has this text ${parts.length - 1} times: ${edit.find}`);
          contents = parts.join(edit.replace);
        }
        return { contents, loader: "ts" };
      });
      bundle.onEnd(() => {
        for (const { file } of left) throw new Error(`nothing of the simulator loads ${file}`);
      });
    },
  };
}

interface Found {
  readonly seed?: number;
  readonly problem?: string;
}

async function firstFound(
  { world, jobs, rates = {}, edits }: Omit<Mutant, "name" | "breaks">,
  seeds: number,
  name: string,
): Promise<Found> {
  const outfile = join(directory, `${name}.mjs`);
  await build({
    stdin: { contents: ENTRY, resolveDir: src, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "silent",
    plugins: [planting(edits)],
  });
  const args = [
    outfile,
    world,
    String(seeds),
    JSON.stringify({ jobs, rates: { ...UNLESS_NAMED, ...rates } }),
  ];
  const { stdout } = await run(process.execPath, args, { timeout: RUN_MS_MAX });
  return JSON.parse(stdout) as Found;
}

test("there are enough of them, each with a name of its own", () => {
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  expect(MUTANTS.length).toBeGreaterThanOrEqual(25);
});

test(
  "without a planted bug nothing is found",
  async () => {
    for (const world of ["job", "nodes"] as const) {
      expect(await firstFound({ world, edits: [] }, 50, world)).toEqual({});
    }
  },
  2 * RUN_MS_MAX,
);

test.concurrent.each(MUTANTS.map((mutant, index) => ({ ...mutant, index })))(
  `$breaks: it is found within ${SEEDS_MAX} seeds that $name`,
  async (mutant) => {
    const { seed, problem } = await firstFound(mutant, SEEDS_MAX, `mutant-${mutant.index}`);
    expect([seed, problem]).toEqual([expect.any(Number), expect.any(String)]);
  },
  RUN_MS_MAX + 30_000,
);
