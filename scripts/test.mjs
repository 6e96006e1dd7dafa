// `npm test`: installs what is missing, builds, runs every test, and ends with one plain line of figures.
// Arguments go to vitest: `npm test -- src/plan`.
//
// Fresh seeds, of properties, of the simulator and of chaos, hang on the commit's src/ and test/: other ones for each change of
// them, and the same ones wherever that is tested. BICOASTAL_TEST_SEEDS gives others; `npm run fuzz` and `sim:night` draw.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { ensureEtcd } from "./etcd-server.mjs";
import { ensureS3Server } from "./s3-server.mjs";
import { build, ensureInstalled, root, tool } from "./tools.mjs";

/** @typedef {{ testResults: { name: string, status: string, assertionResults: { status: string }[] }[] }} Report */

/**
 * Counts from vitest's JSON report. A file that does not even load has no tests to fail, and counts as one failure.
 * @param {Report} report
 */
function figures(report) {
  let passed = 0;
  let failed = 0;
  for (const file of report.testResults) {
    const states = file.assertionResults.map((test) => test.status);
    passed += states.filter((state) => state === "passed").length;
    const failures = states.filter((state) => state === "failed").length;
    failed += file.status === "failed" ? Math.max(1, failures) : failures;
  }
  return { passed, failed };
}

/**
 * The files in these folders whose tests were left out for lack of a server, or of the right to mount disks and make
 * networks, by name.
 * @param {Report} report
 * @param {RegExp} folders
 */
function leftOut(report, folders) {
  return report.testResults.flatMap(({ name, assertionResults }) => {
    const path = relative(root, name);
    const count = assertionResults.filter(
      ({ status }) => status === "skipped" || status === "pending",
    ).length;
    return folders.test(path) && count > 0 ? [`${path} (${count})`] : [];
  });
}

/** A name for the last commit's src/ and test/, by git's; where there is no git, one name for all. */
function seedsOfFiles() {
  try {
    const names = execFileSync("git", ["rev-parse", "HEAD:src", "HEAD:test"], {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return createHash("sha256").update(names).digest("hex").slice(0, 12);
  } catch {
    return "no-git";
  }
}

/** @returns {Promise<{ passed: number, failed: number }>} */
async function test() {
  if (!ensureInstalled() || !(await build())) {
    console.error("No test could run.");
    return { passed: 0, failed: 1 };
  }
  const lacksEtcd = ensureEtcd();
  const lacksS3 = ensureS3Server();
  process.env.BICOASTAL_TEST_SEEDS ??= seedsOfFiles();
  console.log(`Fresh seeds: BICOASTAL_TEST_SEEDS=${process.env.BICOASTAL_TEST_SEEDS}`);
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-test-"));
  try {
    const reportPath = join(directory, "report.json");
    const ok = await tool("vitest", [
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${reportPath}`,
      ...process.argv.slice(2),
    ]);
    const report = existsSync(reportPath)
      ? JSON.parse(readFileSync(reportPath, "utf8"))
      : { testResults: [] };
    const counted = figures(report);
    const names = leftOut(report, /^test[\\/](etcd|cluster|chaos)[\\/]/);
    const onS3 = leftOut(report, /^test[\\/]s3[\\/]/);
    const why =
      lacksEtcd === undefined
        ? "for lack of rights: they mount disks and make networks, as root on Linux"
        : `for lack of etcd. To run them, ${lacksEtcd}`;
    if (names.length > 0) console.log(`NOT RUN: ${names.join(", ")}, ${why}.`);
    if (onS3.length > 0) console.log(`NOT RUN: ${onS3.join(", ")}. To run them, ${lacksS3}.`);
    // An error outside any test fails the run without failing a test.
    return { passed: counted.passed, failed: ok ? counted.failed : Math.max(1, counted.failed) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const { passed, failed } = await test();
console.log(`tests: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
