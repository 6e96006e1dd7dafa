import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { KERNEL_BASE64 } from "./kernel-wasm.ts";

const script = fileURLToPath(new URL("../../../scripts/kernel.mjs", import.meta.url));
/** Exit codes of the script: no compiler here, or another version of it. */
const CANNOT_COMPARE = [2, 3];

it("is what the C source gives, where the compiler that made it is installed", () => {
  const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect([0, ...CANNOT_COMPARE], stderr).toContain(status);
});

it("needs nothing from outside, and is small", () => {
  const bytes = Buffer.from(KERNEL_BASE64, "base64");
  expect(bytes.subarray(0, 4).toString("latin1")).toBe("\0asm");
  expect(bytes.length).toBeLessThan(32 * 1024);
});
