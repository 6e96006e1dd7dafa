import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Ends what hangs, and nothing else: real files, real processes and real stores may be slow on a busy machine, and a test
    // that sets a limit of its own sets one to the machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    pool: "forks",
    setupFiles: process.env.FUZZ_TIMES === undefined ? [] : ["scripts/fuzz-times.ts"],
    typecheck: { enabled: true, include: ["src/**/*.test-d.ts"], tsconfig: "./tsconfig.json" },
  },
});
