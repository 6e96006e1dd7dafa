// The command line of `npm run bench:cluster`.
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { figureMakers } from "./figures.mjs";
import { scales } from "./scales.mjs";

const names = figureMakers.map(({ name }) => name);
const help = `npm run bench:cluster -- [options]

Runs real nodes and a real etcd on this machine, disturbs them, and prints what it costs, beside the aims.

  --only NAMES       of ${names.join(", ")} (default: all)
  --scale NAME       ${Object.keys(scales).join(", ")} (default: quick)
  --rounds N         times what is compared is run (default: by scale)
  --data DIR         where the inputs are made and kept (default: $BICOASTAL_BENCH_DATA, else bench/.data)
  --room DIR         where everything that runs keeps its files, which go at the end (default: the system's)
  --json             figures of all runs as one line of JSON on stdout instead of tables
  --write-docs       also write the tables into docs/
  --no-build         measure dist/ as it is
  --help
`;

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(`${message} See npm run bench:cluster -- --help.`);
  process.exit(2);
}

/** @param {readonly string[]} args */
function parsed(args) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        scale: { type: "string", default: "quick" },
        rounds: { type: "string" },
        data: { type: "string" },
        room: { type: "string" },
        json: { type: "boolean", default: false },
        "write-docs": { type: "boolean", default: false },
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
  const only = values.only?.split(",").filter((name) => name !== "") ?? names;
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length > 0) refuse(`--only takes ${names.join(", ")}, not "${unknown.join(", ")}".`);
  const scale = scales[values.scale];
  if (scale === undefined) refuse(`--scale takes ${Object.keys(scales).join(", ")}, not "${values.scale}".`);
  const rounds = values.rounds === undefined ? scale.rounds : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    refuse(`--rounds takes a whole number from 1 to 100, not "${values.rounds}".`);
  return {
    only,
    scaleName: values.scale,
    scale,
    rounds,
    data: values.data ?? process.env.BICOASTAL_BENCH_DATA,
    room: values.room ?? tmpdir(),
    json: values.json,
    writeDocs: values["write-docs"],
    build: !values["no-build"],
  };
}
