import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { assertFindable } from "../../src/adapters/http/node-address.ts";
import { readProjectFile } from "../house/project-files.ts";

const FILES = [
  "deploy/bicoastal.service",
  "deploy/bicoastal.containerfile",
  "deploy/kubernetes.yaml",
] as const;
const cluster = readProjectFile("docs/cluster.md");

test.each(FILES)("every setting in %s is one that a node has", (file) => {
  const named = readProjectFile(file).match(/BICOASTAL_[A-Z_]+/g) ?? [];
  expect(named.length).toBeGreaterThan(3);
  expect(named.filter((name) => !cluster.includes(name))).toEqual([]);
});

test("a node may drain before it is killed", () => {
  const drainMinutes = (text: string): number =>
    Number(/BICOASTAL_DRAIN_TIMEOUT(?:=|, value: ")(\d+)m/.exec(text)?.[1]);
  const service = readProjectFile("deploy/bicoastal.service");
  const pods = readProjectFile("deploy/kubernetes.yaml");
  expect(Number(/TimeoutStopSec=(\d+)min/.exec(service)?.[1])).toBeGreaterThan(drainMinutes(service));
  expect(Number(/terminationGracePeriodSeconds: (\d+)/.exec(pods)?.[1])).toBeGreaterThan(
    60 * drainMinutes(pods),
  );
});

test("jobs may write outside of the node's own directory", () => {
  const service = readProjectFile("deploy/bicoastal.service");
  const isStrict = /^ProtectSystem=strict$/m.test(service);
  expect(isStrict && !/^ReadWritePaths=/m.test(service)).toBe(false);
});

test("Kubernetes makes no settings of the service's name", () => {
  const pods = readProjectFile("deploy/kubernetes.yaml");
  expect(pods).toMatch(/^kind: Service\nmetadata:\n {2}name: bicoastal$/m);
  expect(pods).toMatch(/^ {6}enableServiceLinks: false$/m);
});

test("a container says to its user what it cannot know: where others find it", () => {
  const container = readProjectFile("deploy/bicoastal.containerfile");
  expect(container).toContain("BICOASTAL_HOST=0.0.0.0");
  expect(() => assertFindable({ host: "0.0.0.0", address: undefined })).toThrow("BICOASTAL_ADDRESS");
  const [, address] = /-e BICOASTAL_ADDRESS=(\S+)/.exec(container) ?? [];
  expect(() => assertFindable({ host: "0.0.0.0", address })).not.toThrow();
  const [, pod] = /BICOASTAL_ADDRESS, value: "(\S+)"/.exec(readProjectFile("deploy/kubernetes.yaml")) ?? [];
  const inPod = pod?.replace("$(POD_NAME)", "bicoastal-0");
  expect(() => assertFindable({ host: "0.0.0.0", address: inPod })).not.toThrow();
});

test("the container starts the program that the package names", () => {
  const { bin } = JSON.parse(readProjectFile("package.json")) as { bin: { bicoastal: string } };
  expect(readProjectFile("deploy/bicoastal.containerfile")).toContain(
    `node_modules/bicoastal/${bin.bicoastal.slice("./".length)}"]`,
  );
});

const hasSystemd = ((): boolean => {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test.runIf(hasSystemd)("systemd understands the unit (needs systemd-analyze)", () => {
  const room = mkdtempSync(join(tmpdir(), "bicoastal-unit-"));
  onTestFinished(() => rmSync(room, { recursive: true, force: true }));
  // Where there is no such program and no such user, systemd says so, and that is not the unit's fault.
  const unit = readProjectFile("deploy/bicoastal.service")
    .replace(/^ExecStart=\S+/m, "ExecStart=/bin/true")
    .replace(/^(?:User|Group)=.*\n/gm, "");
  const file = join(room, "bicoastal.service");
  writeFileSync(file, unit);
  const said = execFileSync("systemd-analyze", ["verify", "--man=no", file], {
    encoding: "utf8",
    stdio: "pipe",
  });
  expect(said).toBe("");
});
