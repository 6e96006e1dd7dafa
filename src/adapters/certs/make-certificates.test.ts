/** Certificates as `bicoastal certs` makes them, used for real connections; and what each thing that is wrong with them is told as. */
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeId } from "../../base/ids.ts";
import { fetchWhole } from "../http/ask-peer.ts";
import { startNodeServer } from "../http/node-server.ts";
import { createPeerClient } from "../http/peer-client.ts";
import type { PeerSecurity, TlsFiles } from "../http/security.ts";
import { assertNamed, expiryOf, readTlsFiles } from "../http/tls-files.ts";
import { type MadeCertificate, type MakeCertificates, makeCertificates } from "./make-certificates.ts";

const DAY_MS = 86_400_000;

function room(): string {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-certs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function make(
  directory: string,
  names: readonly string[],
  changes: Partial<MakeCertificates> = {},
): Promise<readonly MadeCertificate[]> {
  const nodes = names.map((name) => ({ name, hosts: [] }));
  return makeCertificates({ directory, nodes, days: 30, renew: false, nowMs: Date.now(), ...changes });
}
async function makeOne(
  directory: string,
  name: string,
  changes: Partial<MakeCertificates> = {},
): Promise<MadeCertificate> {
  const [made] = await make(directory, [name], changes);
  return made!;
}

const modeOf = (file: string): number => statSync(file).mode & 0o777;

async function serve(security: PeerSecurity): Promise<number> {
  const server = await startNodeServer({ host: "127.0.0.1", port: 0, security, routes: [] });
  onTestFinished(() => server.close());
  return server.port;
}
/** A server that looks at nothing before it shows its certificate. */
async function serveBlindly({ cert, key }: TlsFiles): Promise<number> {
  const files = { cert: readFileSync(cert), key: readFileSync(key) };
  const server = createServer(files, (_, response) => response.end("ok"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function ask(port: number, security: PeerSecurity): Promise<unknown> {
  const client = createPeerClient(security);
  onTestFinished(() => client.close());
  const access = { client, addressOf: () => `127.0.0.1:${port}` };
  return fetchWhole(access, { node: nodeId("there"), key: "specs/x" });
}
const unreachable = (tls: string) => ({ code: "PEER_UNREACHABLE", details: { node: "there", tls } });

test("nodes and clients of one authority talk; who has no certificate of it does not", async () => {
  const [east, west] = (await make(room(), ["east", "west"])) as [MadeCertificate, MadeCertificate];
  const port = await serve({ tls: east });
  const client = createPeerClient({ tls: west });
  onTestFinished(() => client.close());
  const request = { address: `127.0.0.1:${port}`, method: "GET", path: "/health" } as const;
  const given = await client.request(request);
  given.drop();
  expect(given.status).toBe(200);
  const bare = createPeerClient({});
  onTestFinished(() => bare.close());
  await expect(bare.request(request)).rejects.toThrow();
});

test("keys are for their owner alone, and certificates name what was asked for", async () => {
  const directory = room();
  const [made] = await make(directory, [], {
    nodes: [{ name: "east", hosts: ["east.example", "10.0.0.7", "fd00::7"] }],
  });
  expect([modeOf(made!.key), modeOf(join(directory, "ca.key"))]).toEqual([0o600, 0o600]);
  const certificate = new X509Certificate(readFileSync(made!.cert));
  for (const host of ["east", "east.example", "localhost"])
    expect(certificate.checkHost(host, { subject: "never" })).toBe(host);
  for (const address of ["10.0.0.7", "fd00::7", "127.0.0.1"])
    expect(certificate.checkIP(address)).toBeDefined();
  expect(Math.abs(expiryOf(made!) - Date.now() - 30 * DAY_MS)).toBeLessThan(DAY_MS);
  expect(() => assertNamed(made!, "10.0.0.7:7400")).not.toThrow();
  expect(() => assertNamed(made!, "[fd00::7]:7400")).not.toThrow();
  expect(() => assertNamed(made!, "10.0.0.8:7400")).toThrow(/not for 10\.0\.0\.8.*it is for east/);
});

test("the authority that is there signs what is made later, and nothing is overwritten unasked", async () => {
  const directory = room();
  const first = await makeOne(directory, "east");
  const authority = readFileSync(first.ca, "utf8");
  const later = await makeOne(directory, "west");
  expect(readFileSync(later.ca, "utf8")).toBe(authority);
  await expect(ask(await serve({ tls: first }), { tls: later })).rejects.not.toMatchObject({
    details: { tls: expect.anything() },
  });
  const before = readFileSync(first.key, "utf8");
  await expect(makeOne(directory, "east")).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringContaining("--renew"),
  });
  expect(readFileSync(first.key, "utf8")).toBe(before);
  await makeOne(directory, "east", { renew: true });
  expect(readFileSync(first.key, "utf8")).not.toBe(before);
  expect(modeOf(first.key)).toBe(0o600);
  expect(readTlsFiles(first).key.length).toBeGreaterThan(0);
});

test("another authority, an expired certificate, another name, a refused one: each is told as what it is", async () => {
  const ours = room();
  const east = await makeOne(ours, "east");
  const theirs = await makeOne(room(), "stranger");
  const port = await serve({ tls: east });
  await expect(ask(port, { tls: theirs })).rejects.toMatchObject(unreachable("authority"));
  await expect(ask(port, { tls: { ...east, serverName: "west" } })).rejects.toMatchObject(
    unreachable("name"),
  );
  const both = join(ours, "both.pem");
  writeFileSync(both, `${readFileSync(east.ca, "utf8")}${readFileSync(theirs.ca, "utf8")}`);
  await expect(ask(port, { tls: { ...theirs, ca: both } })).rejects.toMatchObject(unreachable("refused"));
  const old = await makeOne(ours, "old", { days: 1, nowMs: Date.now() - 3 * DAY_MS });
  await expect(ask(await serveBlindly(old), { tls: east })).rejects.toMatchObject(unreachable("expired"));
  const plain = await serve({ token: "x".repeat(32) });
  await expect(ask(plain, { tls: east })).rejects.toMatchObject(unreachable("plain"));
  await expect(ask(port, {})).rejects.toMatchObject({ code: "PEER_UNREACHABLE" });
});

test("files that do not fit are told of before anybody is asked", async () => {
  const directory = room();
  const [east, west] = (await make(directory, ["east", "west"])) as [MadeCertificate, MadeCertificate];
  const theirs = await makeOne(room(), "stranger");
  const old = await makeOne(directory, "old", { days: 1, nowMs: Date.now() - 3 * DAY_MS });
  const early = await makeOne(directory, "early", { nowMs: Date.now() + 3 * DAY_MS });
  const text = join(directory, "text");
  writeFileSync(text, "nothing");
  const wrong = (files: TlsFiles, option: string, message: RegExp) =>
    expect(() => createPeerClient({ tls: files })).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(message),
        details: expect.objectContaining({ option }),
      }),
    );
  wrong({ ...east, key: west.key }, "tls-key", /is not the key of/);
  wrong({ ...east, ca: theirs.ca }, "tls-cert", /not signed by the authority/);
  wrong(old, "tls-cert", /has expired: it was valid until/);
  wrong(early, "tls-cert", /not valid before/);
  wrong({ ...east, ca: text }, "tls-ca", /no certificate in PEM form/);
  wrong({ ...east, key: text }, "tls-key", /no private key/);
  wrong({ ...east, cert: join(directory, "gone") }, "tls-cert", /cannot be read/);
  await expect(makeOne(join(text, "in"), "x")).rejects.toMatchObject({ code: "USAGE" });
});
