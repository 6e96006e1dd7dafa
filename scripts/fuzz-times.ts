/** Loaded before each property test when `npm run fuzz` is to run each property more often (FUZZ_TIMES). */
import { vi } from "vitest";

type Assert = typeof import("fast-check").assert;

const RUNS_DEFAULT = 100;
const times = Number(process.env.FUZZ_TIMES);

vi.mock(import("fast-check"), async (original) => {
  const actual = await original();
  const assert = ((property, params) =>
    actual.assert(property, { ...params, numRuns: (params?.numRuns ?? RUNS_DEFAULT) * times })) as Assert;
  return { ...actual, assert, default: { ...actual.default, assert } };
});
