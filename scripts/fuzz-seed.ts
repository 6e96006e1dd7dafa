/** Loaded before each file of tests when the seeds of properties are not to be drawn (BICOASTAL_TEST_SEEDS). */
import { createHash } from "node:crypto";
import { configureGlobal, readConfigureGlobal } from "fast-check";

const stamp = process.env.BICOASTAL_TEST_SEEDS ?? "";
const seed = createHash("sha256").update(stamp).digest().readInt32LE(0);
configureGlobal({ ...readConfigureGlobal(), seed });
