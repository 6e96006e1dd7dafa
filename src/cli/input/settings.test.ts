import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FakeCli } from "../fake-cli.ts";
import { NODE_OPTIONS, RUN_OPTIONS } from "./options.ts";
import { withSettings } from "./settings.ts";

function room(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

const CONFIG = `
import { hostname } from "node:os";
import { defineConfig } from "bicoastal";
const region: string = hostname() === "" ? "nowhere" : "east";
export default defineConfig({ store: "etcd://h1", region, port: 7400, threads: 3, dataDir: "/data", drainTimeout: "5s" });
`;

test("an option wins over the environment, and that over the config file", async () => {
  const cwd = room({ "bicoastal.config.ts": CONFIG });
  const env = { BICOASTAL_REGION: "west", BICOASTAL_PORT: "7500", BICOASTAL_NAME: "" };
  const options = await withSettings(new Map([["port", "7600"]]), NODE_OPTIONS, { env, cwd });
  expect(Object.fromEntries(options)).toEqual({
    store: "etcd://h1",
    region: "west",
    port: "7600",
    threads: "3",
    "data-dir": "/data",
    "drain-timeout": "5s",
  });
});

test("a job that is given to a cluster leaves threads and memory to its nodes; one that runs here does not", async () => {
  const files = { "bicoastal.config.json": '{ "threads": 3, "memory": 1000000000 }' };
  const cwd = room(files);
  const here = await withSettings(new Map(), RUN_OPTIONS, { env: {}, cwd });
  expect(Object.fromEntries(here)).toEqual({ threads: "3", memory: "1000000000" });
  const env = { BICOASTAL_STORE: "etcd://h2", BICOASTAL_DATA_DIR: "/other" };
  expect(Object.fromEntries(await withSettings(new Map(), RUN_OPTIONS, { env, cwd }))).toEqual({
    store: "etcd://h2",
  });
});

test("the config file of the working directory reaches commands", async () => {
  const cli = new FakeCli();
  cli.io.cwd = room({ "bicoastal.config.mjs": 'export default { store: "etcd://h3" };' });
  expect(await cli.run("nodes")).toBe(0);
  expect(cli.stores).toEqual(["etcd://h3"]);
});

test.each([
  ["bicoastal.config.json", '{ "regoin": "east" }', /"regoin".* region/],
  ["bicoastal.config.json", '{ "port": "7400" }', /"7400" as port/],
  ["bicoastal.config.json", "[]", /holds no object/],
  ["bicoastal.config.json", "{", /cannot be read/],
  ["bicoastal.config.mjs", "export const region = 'east';", /defineConfig/],
  ["bicoastal.config.ts", "export default {", /cannot be read/],
])("%s with %j is refused, and the file is named", async (name, text, said) => {
  const cli = new FakeCli();
  cli.io.cwd = room({ [name]: text });
  expect(await cli.run("jobs")).toBe(2);
  expect(cli.io.stderr.text).toContain(join(cli.io.cwd, name));
  expect(cli.io.stderr.text).toMatch(said);
});

test("of two config files none is taken", async () => {
  const cli = new FakeCli();
  cli.io.cwd = room({ "bicoastal.config.ts": CONFIG, "bicoastal.config.json": "{}" });
  expect(await cli.run("jobs")).toBe(2);
  expect(cli.io.stderr.text).toContain("both bicoastal.config.ts and bicoastal.config.json");
});
