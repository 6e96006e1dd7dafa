import { describe, expect, it } from "vitest";
import type { ListedNode } from "../../api/compose-store.ts";
import { jobId, nodeId } from "../../base/ids.ts";
import { FakeCli } from "../fake-cli.ts";

const card = (name: string, changes: Partial<ListedNode> = {}): ListedNode => ({
  node: nodeId(name),
  incarnation: "one",
  address: `${name}:7400`,
  region: "east",
  domain: "acme",
  slots: 4,
  memoryBytes: 2 ** 30,
  version: "1.2.3",
  startedAtMs: 0,
  state: "ready",
  setAsideBy: [],
  ...changes,
});

describe("bicoastal nodes", () => {
  it("lists who belongs to the cluster", async () => {
    const cli = new FakeCli();
    cli.nodes = [card("a"), card("b", { region: "west", state: "draining", address: undefined })];
    expect(await cli.run("nodes", "--store", "etcd://h1")).toBe(0);
    expect(cli.stores).toEqual(["etcd://h1"]);
    expect(cli.io.stdout.text).toMatch(/^node +state +region +domain +slots +address +version +started/);
    expect(cli.io.stdout.text).toMatch(/\na +ready +east +acme +4 +a:7400 +1\.2\.3/);
    expect(cli.io.stdout.text).toMatch(/\nb +draining +west/);
  });

  it("waits for a node to drain, and says when it has", async () => {
    const cli = new FakeCli();
    expect(await cli.run("drain", "b", "--store", "etcd://h1")).toBe(0);
    expect([cli.drained, cli.stores]).toEqual([["b"], ["etcd://h1"]]);
    expect(cli.io.stderr.text).toMatch(/^b drains; .*\nb is drained/);
    expect(await cli.run("drain", "b")).toBe(2);
    const before = cli.io.stderr.text.length;
    expect(await cli.run("drain", "nobody", "--store", "etcd://h1")).toBe(2);
    expect(cli.io.stderr.text.slice(before)).not.toContain("drains");
    expect(await cli.run("drain", "--store", "etcd://h1")).toBe(2);
  });

  it("names those that a job has set aside", async () => {
    const cli = new FakeCli();
    cli.nodes = [card("a"), card("b", { setAsideBy: [jobId("sums-1"), jobId("sort-2")] })];
    expect(await cli.run("nodes", "--store", "etcd://h1")).toBe(0);
    expect(cli.io.stdout.text).toContain(
      "\nset aside b gets nothing new of sums-1, sort-2: tasks failed there that others did\n",
    );
    expect(cli.io.stdout.text.match(/set aside/g)).toHaveLength(1);
  });

  it("says how to start one where there is none", async () => {
    const cli = new FakeCli();
    expect(await cli.run("nodes", "--store", "etcd://h1")).toBe(0);
    expect(cli.shown).toContain("bicoastal node --store STORE starts one");
  });

  it.each(["node", "nodes"])("%s asks for the store", async (command) => {
    const cli = new FakeCli();
    expect(await cli.run(command)).toBe(2);
    expect(cli.shown).toContain(`bicoastal ${command} --store etcd://HOST:2379`);
  });

  it.each([
    ["--name", "a b"],
    ["--name", "a/b"],
    ["--region", ""],
    ["--port", "65536"],
    ["--port", "-1"],
    ["--threads", "0"],
    ["--lease", "soon"],
    ["--drain-timeout", "5"],
    ["--memory", "lots"],
    ["--store", ""],
  ])("node refuses %s %j, and names the option", async (option, value) => {
    const cli = new FakeCli();
    const store = option === "--store" ? [] : ["--store", "etcd://h1"];
    expect(await cli.run("node", ...store, `${option}=${value}`)).toBe(2);
    expect(cli.shown).toContain(option);
  });
});
