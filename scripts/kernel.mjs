// Compiles each C source of src/engine/kernel to WebAssembly and writes it, as base64, into a module beside it, which
// is checked in: nobody needs a compiler but those who change the C sources. With --check, writes nothing and fails
// where the two differ. Needs clang and wasm-ld (Debian: apt-get install clang lld).
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./tools.mjs";

const folder = join(root, "src/engine/kernel");
const modules = [
  { source: "kernel.c", artefact: "kernel-wasm.ts", name: "KERNEL_BASE64" },
  { source: "group.c", artefact: "group-wasm.ts", name: "GROUP_KERNEL_BASE64" },
  { source: "sort.c", artefact: "sort-wasm.ts", name: "SORT_KERNEL_BASE64" },
];
/** Freestanding: there is no C library, and none is wanted. */
const flags = [
  "--target=wasm32",
  "-std=c11",
  "-O3",
  "-msimd128",
  "-mbulk-memory",
  "-ffreestanding",
  "-nostdlib",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wl,--no-entry",
  "-Wl,--strip-all",
];

/** @returns {string | undefined} */
function compilerVersion() {
  const clang = spawnSync("clang", ["--version"], { encoding: "utf8" });
  const linker = spawnSync("wasm-ld", ["--version"], { encoding: "utf8" });
  if (clang.status !== 0 || linker.status !== 0) return undefined;
  return /version (\d+)/.exec(clang.stdout)?.[1];
}

/**
 * @param {string} version
 * @param {{ source: string; name: string }} module
 */
function compile(version, { source, name }) {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-kernel-"));
  try {
    const output = join(directory, "kernel.wasm");
    const clang = spawnSync("clang", [...flags, "-o", output, join(folder, source)], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (clang.status !== 0) process.exit(1);
    return `// ${source} in WebAssembly, as base64: no file is read at run time, and bundlers find it.
// Made by \`node scripts/kernel.mjs\`, with clang ${version}. Never changed by hand.
export const ${name} =
  "${readFileSync(output).toString("base64")}";
`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const check = process.argv.includes("--check");
const version = compilerVersion();
if (version === undefined) {
  console.error("clang or wasm-ld is missing. On Debian: apt-get install clang lld");
  process.exit(2);
}
for (const module of modules) {
  const text = compile(version, module);
  const path = join(folder, module.artefact);
  if (check) verify(module, text, readFileSync(path, "utf8"));
  else {
    writeFileSync(path, text);
    console.log(`Wrote src/engine/kernel/${module.artefact} (${text.length} characters).`);
  }
}

/**
 * @param {{ source: string; artefact: string }} module
 * @param {string} text
 * @param {string} kept
 */
function verify({ source, artefact }, text, kept) {
  const madeWith = /with clang (\d+)/.exec(kept)?.[1];
  if (madeWith !== version) {
    console.error(`${artefact} was made with clang ${madeWith}; clang ${version} makes other bytes of it.`);
    process.exit(3);
  }
  if (kept !== text) {
    console.error(`${artefact} is not what ${source} gives. Run: node scripts/kernel.mjs`);
    process.exit(1);
  }
}
