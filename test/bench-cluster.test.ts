/** The bench of a cluster, on next to nothing: that it runs, that what it disturbs gives the same, and that it leaves nothing. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hasEtcd } from "./etcd/etcd-servers.ts";
import { root } from "./house/project-files.ts";

const directory = mkdtempSync(join(tmpdir(), "bicoastal-bench-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Figure {
  readonly name: string;
  readonly failure?: string;
  readonly aims: readonly { readonly what: string; readonly measured: string }[];
}

test.runIf(hasEtcd)("nodes are lost, driven, compared and given tasks", () => {
  const command = [join(root, "bench", "cluster", "main.mjs"), "--scale", "tiny", "--json", "--no-build"];
  const data = join(directory, "data");
  const room = join(directory, "room");
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...command, "--data", data, "--room", room],
    { cwd: root, encoding: "utf8" },
  );
  expect(stderr).not.toContain("FAILED");
  expect(status).toBe(0);
  const { figures } = JSON.parse(stdout) as { figures: readonly Figure[] };
  expect(figures.map(({ name, aims }) => [name, aims.length])).toEqual([
    ["losses", 2],
    ["takeover", 1],
    ["overhead", 4],
    ["tasks", 2],
  ]);
  expect(figures.flatMap(({ aims }) => aims).filter(({ measured }) => /NaN|Infinity/.test(measured))).toEqual(
    [],
  );
  expect(readdirSync(room)).toEqual([]);
});
