// Compiles src/engine/kernel/kernel.c to WebAssembly and writes it, as base64, into kernel-wasm.ts beside it, which is
// checked in: nobody needs a compiler but those who change the C source. With --check, writes nothing and fails where
// the two differ. Needs clang and wasm-ld (Debian: apt-get install clang lld).
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./tools.mjs";

const folder = join(root, "src/engine/kernel");
const artefact = join(folder, "kernel-wasm.ts");
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

/** @param {string} version */
function compile(version) {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-kernel-"));
  try {
    const output = join(directory, "kernel.wasm");
    const clang = spawnSync("clang", [...flags, "-o", output, join(folder, "kernel.c")], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (clang.status !== 0) process.exit(1);
    return `// kernel.c in WebAssembly, as base64: no file is read at run time, and bundlers find it.
// Made by \`node scripts/kernel.mjs\`, with clang ${version}. Never changed by hand.
export const KERNEL_BASE64 =
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
const text = compile(version);
if (!check) {
  writeFileSync(artefact, text);
  console.log(`Wrote src/engine/kernel/kernel-wasm.ts (${text.length} characters).`);
} else {
  const kept = readFileSync(artefact, "utf8");
  const madeWith = /with clang (\d+)/.exec(kept)?.[1];
  if (madeWith !== version) {
    console.error(
      `kernel-wasm.ts was made with clang ${madeWith}; clang ${version} makes other bytes of it.`,
    );
    process.exit(3);
  }
  if (kept !== text) {
    console.error("kernel-wasm.ts is not what kernel.c gives. Run: node scripts/kernel.mjs");
    process.exit(1);
  }
}
