import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEtcdControlStore } from "../../src/adapters/etcd/open.ts";
import { type EtcdAddress, type EtcdTlsFiles, parseEtcdUrl } from "../../src/adapters/etcd/url.ts";
import { hasOpenssl, makeCertificate } from "../../src/adapters/http/test-certificates.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import { apply, put } from "../../src/ports/control-store.contract.ts";
import { type ControlStore, prefixEnd, type WatchEvent } from "../../src/ports/control-store.ts";
import { EtcdServers, hasEtcd, until } from "./etcd-servers.ts";

const SEEN_MS_MAX = 300_000;
const all = { from: "", to: prefixEnd("") };
const open = (address: EtcdAddress | string): Promise<ControlStore> =>
  openEtcdControlStore({
    ...(typeof address === "string" ? parseEtcdUrl(address) : address),
    clock: systemClock,
  });
const unavailable = (text: string) => ({
  code: "STORE_UNAVAILABLE",
  message: expect.stringContaining(text),
  details: { outcome: "failed" },
});

/** Each kind of call once. */
async function useOnce(store: ControlStore): Promise<void> {
  const seen: WatchEvent[] = [];
  const { revision } = await store.get("k");
  store.watch({ ...all, fromRevision: revision + 1 }, (event) => void seen.push(event));
  const lease = await store.grantLease(300_000);
  await apply(store, put("k", "v", lease));
  expect(await store.keepAlive(lease)).toBe(true);
  expect((await store.range(all.from, all.to)).entries).toHaveLength(1);
  await store.revokeLease(lease);
  await until(SEEN_MS_MAX, () => seen.length === 2);
}

describe.runIf(hasEtcd && hasOpenssl())("etcd behind TLS (needs etcd and openssl)", () => {
  let directory: string;
  let files: { readonly [name in keyof EtcdTlsFiles]-?: string };
  let etcd: EtcdServers;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "bicoastal-certificates-"));
    const { ca, cert, key } = makeCertificate(directory, "authority", "etcd");
    files = { caFile: ca, certFile: cert, keyFile: key };
    const { caFile, certFile, keyFile } = files;
    const args = [
      "--cert-file",
      certFile,
      "--key-file",
      keyFile,
      "--trusted-ca-file",
      caFile,
      "--client-cert-auth",
    ];
    etcd = await EtcdServers.start(1, { args, scheme: "https" });
  });
  afterAll(async () => {
    await etcd?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("serves who brings a certificate and knows its own", async () => {
    const { caFile, certFile, keyFile } = files;
    const store = await open(`etcds://${etcd.endpoints}/?ca=${caFile}&cert=${certFile}&key=${keyFile}`);
    try {
      await useOnce(store);
    } finally {
      await store.close();
    }
  });

  test("is not reached by who brings none, or does not know it, and says so", async () => {
    const { endpoints } = etcd;
    await expect(open({ endpoints })).rejects.toMatchObject(unavailable(`${endpoints[0]}: `));
    await expect(open({ endpoints, tls: {} })).rejects.toMatchObject(unavailable("certificate"));
    await expect(open({ endpoints, tls: { caFile: files.caFile } })).rejects.toMatchObject(
      unavailable(`${endpoints[0]}: `),
    );
    const missing = join(directory, "none.pem");
    await expect(open({ endpoints, tls: { caFile: missing } })).rejects.toMatchObject(unavailable(missing));
    const wrong = { ...files, certFile: files.keyFile };
    await expect(open({ endpoints, tls: wrong })).rejects.toMatchObject(unavailable("as PEM"));
  });
});

describe.runIf(hasEtcd)("etcd that asks for user and password", () => {
  let etcd: EtcdServers;
  let directory: string;
  /** etcd's own JSON interface, for what the store has no need of. */
  const call = async (path: string, body: object): Promise<void> => {
    const address = `http://${etcd.endpoints[0]}/v3/auth/${path}`;
    const response = await fetch(address, { method: "POST", body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  };
  const base64 = (text: string): string => Buffer.from(text).toString("base64");

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "bicoastal-password-"));
    etcd = await EtcdServers.start(1);
    for (const [name, role] of [
      ["root", "root"],
      ["anna", "store"],
    ]) {
      await call("user/add", { name, password: `of ${name}` });
      await call("role/add", { name: role });
      await call("user/grant", { user: name, role });
    }
    const perm = { permType: "READWRITE", key: base64("bicoastal/"), range_end: base64("bicoastal0") };
    await call("role/grant", { name: "store", perm });
    await call("enable", {});
  });
  afterAll(async () => {
    await etcd?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("lets the user in, who needs no more than the store's prefix", async () => {
    const passwordFile = join(directory, "password");
    writeFileSync(passwordFile, "of anna\n");
    for (const address of [
      `etcd://anna:of%20anna@${etcd.endpoints}`,
      `etcd://anna@${etcd.endpoints}?password-file=${passwordFile}`,
    ]) {
      const store = await open(address);
      try {
        await useOnce(store);
      } finally {
        await store.close();
      }
    }
  });

  test("gives a new token where the old one is forgotten, whatever is asked then", async () => {
    const calls: readonly ((store: ControlStore) => Promise<unknown>)[] = [
      (store) => store.get("k"),
      (store) => apply(store, put("k", "v")),
      (store) => store.grantLease(1_000),
      (store) =>
        new Promise<void>((resolve) => {
          store.watch({ ...all, fromRevision: 1 }, () => resolve());
        }),
    ];
    for (const use of calls) {
      const store = await open(`etcd://anna:of%20anna@${etcd.endpoints}`);
      try {
        await useOnce(store);
        await etcd.kill(0);
        await etcd.startMember(0);
        await use(store);
        await useOnce(store);
      } finally {
        await store.close();
      }
    }
  });

  test("turns others away, and the user where he may not go", async () => {
    const { endpoints } = etcd;
    const nobody = await open({ endpoints });
    await expect(nobody.get("k")).rejects.toMatchObject(unavailable("Give it a user and a password"));
    await nobody.close();
    const wrong = open({ endpoints, user: "anna", password: "guessed" });
    await expect(wrong).rejects.toMatchObject(unavailable("does not know this user and password"));
    await expect(wrong).rejects.toMatchObject({ message: expect.not.stringContaining("guessed") });

    const store = await open({ endpoints, user: "anna", password: "of anna", prefix: "elsewhere/" });
    try {
      await expect(store.get("k")).rejects.toMatchObject(unavailable("Grant the user a role"));
      await expect(apply(store, put("k"))).rejects.toMatchObject(unavailable("Grant the user a role"));
      const event = await new Promise<WatchEvent>((resolve) => {
        store.watch({ ...all, fromRevision: 1 }, resolve);
      });
      expect(event).toMatchObject({ kind: "failed", reason: expect.stringContaining("permission denied") });
    } finally {
      await store.close();
    }
  });
});
