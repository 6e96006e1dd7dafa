/** The files of a new project. They type-check and pass their own test as they are, with Node 20.19 and npm alone. */

/** Paths, relative to the project's directory, to contents. */
export function projectFiles(directoryName: string, version: string): ReadonlyMap<string, string> {
  const name = packageName(directoryName);
  return new Map([
    ["package.json", packageJson(name, version)],
    ["tsconfig.json", TSCONFIG],
    ["wordcount.ts", JOB],
    ["wordcount.test.ts", TEST],
    ["data/harbour.txt", SAMPLE_ONE],
    ["data/lighthouse.txt", SAMPLE_TWO],
    [".gitignore", "node_modules/\ndist/\n.bicoastal/\n"],
    ["README.md", readme(name)],
  ]);
}

/** What npm takes for a name, as near to the directory's as that goes. */
function packageName(directoryName: string): string {
  const name = directoryName
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[-._]+/, "")
    .replace(/[-.]+$/, "")
    .slice(0, 100);
  return name === "" || name === "bicoastal" ? "bicoastal-project" : name;
}

function packageJson(name: string, version: string): string {
  const manifest = {
    name,
    private: true,
    type: "module",
    engines: { node: ">=20.19" },
    scripts: {
      start: "bicoastal run wordcount.ts",
      test: "tsc && node --test dist/wordcount.test.js",
    },
    dependencies: { bicoastal: `^${version}` },
    devDependencies: { "@types/node": "^20.19.0", typescript: "^6.0.0" },
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

const TSCONFIG = `{
  "compilerOptions": {
    "target": "es2023",
    "module": "nodenext",
    "types": ["node"],
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "skipLibCheck": true,
    "allowImportingTsExtensions": true,
    "rewriteRelativeImportExtensions": true,
    "rootDir": ".",
    "outDir": "dist",
    "sourceMap": true
  },
  "include": ["*.ts"]
}
`;

const JOB = `import { job, read } from "bicoastal";

export default job({
  name: "wordcount",
  // Every param is a flag too: bicoastal run wordcount.ts --input 'logs/*.txt' --top 5
  params: { input: "data/*.txt", top: 10 },
  run: ({ input, top }) =>
    read
      .lines(input)
      .flatMap((line) => line.toLowerCase().match(/[a-z']+/g) ?? [])
      .countBy((word) => word)
      .top(top, ([, count]) => count),
});
`;

const TEST = `import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "bicoastal";
import wordcount from "./wordcount.ts";

test("the most frequent words come first", async () => {
  const rows = await run(wordcount, { input: "data/*.txt", top: 2 });
  assert.deepEqual(rows, [
    ["the", 14],
    ["light", 6],
  ]);
});
`;

const SAMPLE_ONE = `The harbour wakes before the town.
Boats leave by the light of the moon, and the gulls follow the boats.
At noon the nets dry on the wall, and nobody counts the fish twice.
`;

const SAMPLE_TWO = `Every night the lamp turns: light, dark, light, dark, light.
The keeper writes one line for each ship: the hour, the flag, the light she carried.
Two coasts see one light.
`;

const readme = (name: string): string => `# ${name}

A job for [Bicoastal](https://www.npmjs.com/package/bicoastal): it counts words on every core of this machine.

\`\`\`
npm install
npm start                                      # the job on data/
npx bicoastal run wordcount.ts --top 3         # its params are flags
npx bicoastal run wordcount.ts --help          # lists them
npx bicoastal run wordcount.ts --json          # rows as JSON lines
npx bicoastal explain wordcount.ts             # the stages it is cut into
npm test                                       # checks types, then the job's result
\`\`\`

A job that failed, or that you stopped with Ctrl-C, goes on with \`npx bicoastal resume ID\`;
\`npx bicoastal jobs\` lists them. Their data lies in \`.bicoastal/\`.
`;
