// The command line of `npm run bench`.
import { parseArgs } from "node:util";
import { scales } from "./scales.mjs";

const help = `npm run bench -- [options]

Runs every workload in turn with its peers, checks that all agree, and prints medians and ratios.

  --only NAMES       workloads, by the beginning of their names: --only wordcount,sort (default: all but large)
  --scale NAME       tiny, small, medium or full: sizes of the data (default: medium)
  --rounds N         times each way runs (default: by scale)
  --peers NAMES      peers beside Bicoastal; --peers none runs it alone (default: all that are here)
  --data DIR         where the data is made and kept (default: $BICOASTAL_BENCH_DATA, else bench/.data)
  --json             figures as one line of JSON on stdout instead of tables
  --write-docs       also write the tables and the plot into docs/
  --list             say which workloads and peers there are
  --no-build         measure dist/ as it is
  --help
`;

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(`${message} See npm run bench -- --help.`);
  process.exit(2);
}

/** @param {string | undefined} text */
const names = (text) => text?.split(",").filter((name) => name !== "");

/** @param {readonly string[]} args */
function parsed(args) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        scale: { type: "string", default: "medium" },
        rounds: { type: "string" },
        peers: { type: "string" },
        data: { type: "string" },
        json: { type: "boolean", default: false },
        "write-docs": { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        "no-build": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** @param {readonly string[]} args */
export function readOptions(args) {
  const values = parsed(args);
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  const scale = scales[values.scale];
  if (scale === undefined) refuse(`--scale takes ${Object.keys(scales).join(", ")}, not "${values.scale}".`);
  const rounds = values.rounds === undefined ? scale.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    refuse(`--rounds takes a whole number from 1 to 100, not "${values.rounds}".`);
  return {
    only: names(values.only),
    scaleName: values.scale,
    scale,
    rounds,
    peers: names(values.peers),
    data: values.data ?? process.env.BICOASTAL_BENCH_DATA,
    json: values.json,
    writeDocs: values["write-docs"],
    list: values.list,
    build: !values["no-build"],
  };
}

/** @typedef {ReturnType<typeof readOptions>} Options */
