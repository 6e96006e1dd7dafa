// Makes src/adapters/etcd/etcd-messages.ts of etcd.proto beside it. The result is checked in: nobody needs the tools but
// those who change the .proto file, so npm fetches them for this one run, in the versions below.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, tool } from "./tools.mjs";

const folder = join(root, "src/adapters/etcd");
const output = join(folder, "etcd-messages.ts");
const tools = ["@bufbuild/buf@1.75.0", "@bufbuild/protoc-gen-es@2.13.0"];

const source = readFileSync(join(folder, "etcd.proto"));
const header = `// Made of etcd.proto by \`node scripts/etcd-messages.mjs\`. Never changed by hand; long because it is made.
// SHA-256 of etcd.proto: ${createHash("sha256").update(source).digest("hex")}
`;

const directory = mkdtempSync(join(tmpdir(), "bicoastal-proto-"));
try {
  writeFileSync(join(directory, "etcd.proto"), source);
  const template = {
    version: "v2",
    plugins: [{ local: "protoc-gen-es", out: "made", opt: ["target=ts"] }],
  };
  writeFileSync(join(directory, "buf.gen.yaml"), JSON.stringify(template));
  const packages = tools.flatMap((name) => ["--package", name]);
  const result = spawnSync("npm", ["exec", "--yes", ...packages, "--", "buf", "generate"], {
    cwd: directory,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
  if (result.status !== 0) process.exit(1);
  const made = readFileSync(join(directory, "made/etcd_pb.ts"), "utf8");
  writeFileSync(output, header + made.replace(/^(?:\/\/.*\n|\/\*.*\*\/\n)+/, ""));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
if (!(await tool("@biomejs/biome", ["check", "--write", output], { quiet: true }))) process.exit(1);
console.log("Wrote src/adapters/etcd/etcd-messages.ts.");
