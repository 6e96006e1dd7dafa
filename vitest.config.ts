import { defineConfig } from "vitest/config";

const setupFiles = [
  ...(process.env.BICOASTAL_TEST_SEEDS === undefined ? [] : ["scripts/fuzz-seed.ts"]),
  ...(process.env.FUZZ_TIMES === undefined ? [] : ["scripts/fuzz-times.ts"]),
];

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Ends what hangs, and nothing else: real files, real processes and real stores may be slow on a busy machine, and a test
    // that sets a limit of its own sets one to the machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    pool: "forks",
    setupFiles,
    typecheck: { enabled: true, include: ["src/**/*.test-d.ts"], tsconfig: "./tsconfig.json" },
  },
});
