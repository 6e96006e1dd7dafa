import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createBlobClient } from "./blob-client.ts";
import { type NodeServer, startNodeServer } from "./node-server.ts";
import { createPeerClient } from "./peer-client.ts";
import type { PeerSecurity, TlsFiles } from "./security.ts";
import { hasOpenssl, makeCertificate } from "./test-certificates.ts";

const clients = [
  ["a node", createPeerClient],
  ["a thread", createBlobClient],
] as const;

describe.runIf(hasOpenssl()).each(clients)("mutual TLS, asked by %s", (_who, create) => {
  let directory: string;
  let mine: TlsFiles;
  let other: TlsFiles;
  let stranger: TlsFiles;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "bicoastal-tls-"));
    mine = makeCertificate(directory, "ours", "mine");
    other = makeCertificate(directory, "ours", "other");
    stranger = makeCertificate(directory, "theirs", "stranger");
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const it of open.splice(0).reverse()) await it.close();
  });
  async function start(security: PeerSecurity): Promise<NodeServer> {
    const server = await startNodeServer({ host: "0.0.0.0", port: 0, security, routes: [] });
    open.push(server);
    return server;
  }
  async function health(port: number, security: PeerSecurity, address = "127.0.0.1"): Promise<number> {
    const client = create(security);
    open.push(client);
    const given = await client.request({ address: `${address}:${port}`, method: "GET", path: "/health" });
    given.drop();
    return given.status;
  }

  test("nodes of one authority talk, and need no token", async () => {
    const { port } = await start({ tls: mine });
    expect(await health(port, { tls: other })).toBe(200);
  });

  test("a certificate of another authority is refused by either side", async () => {
    const { port } = await start({ tls: mine });
    await expect(health(port, { tls: stranger })).rejects.toThrow();
    const ca = join(directory, "both.pem");
    writeFileSync(ca, `${readFileSync(other.ca, "utf8")}${readFileSync(stranger.ca, "utf8")}`);
    await expect(health(port, { tls: { ...stranger, ca } })).rejects.toThrow();
    expect(await health(port, { tls: other })).toBe(200);
  });

  test("nobody gets in without a certificate, or without TLS", async () => {
    const { port } = await start({ tls: mine });
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    const got = await new Promise<string>((resolve) => {
      let text = "";
      socket.on("data", (piece) => {
        text += piece.toString();
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(text));
      socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    expect(got).toBe("");
    await expect(health(port, {})).rejects.toThrow();
  });

  test("goes by a name that all nodes share, where that is asked for", async () => {
    const { port } = await start({ tls: mine });
    expect(await health(port, { tls: { ...other, serverName: "mine" } })).toBe(200);
    await expect(health(port, { tls: { ...other, serverName: "not-mine" } })).rejects.toThrow();
    await expect(health(port, { tls: other }, "localhost")).rejects.toThrow();
    expect(await health(port, { tls: { ...other, serverName: "mine" } }, "localhost")).toBe(200);
  });

  /** Puts the other certificate in its place, file by file. */
  function renew(place: TlsFiles, by: TlsFiles, parts: readonly ("ca" | "cert" | "key")[]): void {
    for (const part of parts) copyFileSync(by[part], place[part]);
  }
  function copied(name: string, of: TlsFiles): TlsFiles {
    const place = {
      ca: join(directory, `${name}.ca`),
      cert: join(directory, `${name}.crt`),
      key: join(directory, `${name}.k`),
    };
    renew(place, of, ["ca", "cert", "key"]);
    return place;
  }

  test("is of the certificates that are there when a connection begins", async () => {
    const [here, there] = [copied("here", mine), copied("there", other)];
    const { port } = await start({ tls: here });
    const client = create({ tls: there });
    open.push(client);
    const ask = async (): Promise<number> => {
      const request = {
        address: `127.0.0.1:${port}`,
        method: "GET",
        path: "/health",
        headers: { connection: "close" },
      } as const;
      const answer = await client.request(request);
      answer.drop();
      return answer.status;
    };
    expect(await ask()).toBe(200);
    renew(here, stranger, ["ca", "cert", "key"]);
    await expect(ask()).rejects.toThrow();
    renew(there, stranger, ["ca", "cert", "key"]);
    expect(await ask()).toBe(200);
    await expect(health(port, { tls: other })).rejects.toThrow();
  });

  test("stays as it was while new files do not fit together, and says so once", async () => {
    const here = copied("half", mine);
    const faults: unknown[] = [];
    const server = await startNodeServer({
      host: "0.0.0.0",
      port: 0,
      security: { tls: here },
      routes: [],
      onTlsFault: (fault) => faults.push(fault),
    });
    open.push(server);
    renew(here, stranger, ["cert"]);
    expect(await health(server.port, { tls: other })).toBe(200);
    expect(await health(server.port, { tls: other })).toBe(200);
    expect(faults).toMatchObject([{ code: "USAGE", message: expect.stringContaining("half.k") }]);
    rmSync(here.key);
    expect(await health(server.port, { tls: other })).toBe(200);
    renew(here, stranger, ["ca", "key"]);
    await expect(health(server.port, { tls: other })).rejects.toThrow();
    expect(await health(server.port, { tls: stranger })).toBe(200);
  });

  test("asks for the token as well where there is one", async () => {
    const token = "a-token-for-tests-only";
    const { port } = await start({ tls: mine, token });
    const client = create({ tls: other });
    const knowing = create({ tls: other, token });
    open.push(client, knowing);
    const request = { address: `127.0.0.1:${port}`, method: "GET", path: "/v1/x" } as const;
    expect((await client.request(request)).status).toBe(401);
    expect((await knowing.request(request)).status).toBe(404);
  });
});
