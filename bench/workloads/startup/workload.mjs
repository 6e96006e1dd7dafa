// From start to end of a word count of 1 MB, beside a Node that does nothing. Bicoastal has run before, and finds its
// bundle; everything else it does anew.
import { join } from "node:path";
import { root } from "../../../scripts/tools.mjs";
import { benchDirectory } from "../../harness/peers.mjs";

const folder = join(benchDirectory, "workloads", "wordcount");

/** @type {import("../../harness/workloads.mjs").Workload[]} */
export const workloads = [
  {
    name: "startup",
    title: "Start to end: word count of 1 MB",
    data: () => [{ kind: "text", size: 1 }],
    result: "none",
    roundsTimes: 5,
    ours: [],
    ways: ({ inputs, scratch }) => [
      {
        name: "bicoastal",
        title: "Bicoastal, bundled before",
        dataDir: join(scratch, "kept"),
        warmUp: true,
        command: () => [
          process.execPath,
          ...[join(root, "dist", "bin.js"), "run", join(folder, "bicoastal.ts")],
          ...inputs.flatMap((input) => ["--input", input]),
          ...["--json", "--quiet"],
        ],
      },
      { name: "bare-node", title: "node -e 0", command: () => [process.execPath, "-e", "0"] },
      {
        name: "readline",
        title: "Node, readline and Map",
        command: (out) => [process.execPath, join(folder, "readline.mjs"), out, ...inputs],
      },
    ],
  },
];
