/**
 * Opens the control store on etcd. Nothing here needs the gRPC client before there is a store to open: a process without
 * one does not load it.
 */
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { BicoastalError } from "../../base/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { EtcdClient } from "./client.ts";
import type { MemberChannel } from "./members.ts";
import type { EtcdAddress, EtcdTlsFiles } from "./url.ts";

/** Of the keys of a store, where nothing else is said. */
const PREFIX = "bicoastal/";
/** What TLS asks a member for that is named by its address. */
const NAME_FOR_ADDRESSES = "etcd";

export interface EtcdStoreOptions extends EtcdAddress {
  readonly clock: Clock;
}

/**
 * Throws STORE_UNAVAILABLE where no member can be reached, where etcd does not know the user, and where a file named for
 * TLS or the password cannot be read.
 */
export async function openEtcdControlStore(options: EtcdStoreOptions): Promise<ControlStore> {
  const client = await connectEtcd(options);
  try {
    const [{ EtcdControlStore }, { KeySpace }] = await Promise.all([
      import("./store.ts"),
      import("./keys.ts"),
    ]);
    const store = new EtcdControlStore(client, new KeySpace(options.prefix ?? PREFIX));
    await store.connect();
    return store;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Connects when it is first used. */
export async function connectEtcd(options: EtcdStoreOptions): Promise<EtcdClient> {
  const { endpoints, clock, tls, user, passwordFile } = options;
  const [{ credentials }, { EtcdClient }] = await Promise.all([
    import("@grpc/grpc-js"),
    import("./client.ts"),
  ]);
  const password =
    passwordFile === undefined
      ? options.password
      : (await readNamed("password-file", passwordFile)).toString().trimEnd();
  return new EtcdClient({
    endpoints,
    channelTo:
      tls === undefined
        ? () => ({ credentials: credentials.createInsecure(), options: {} })
        : await tlsChannels(tls),
    user: user === undefined ? undefined : { name: user, password: password ?? "" },
    clock,
  });
}

async function tlsChannels({
  caFile,
  certFile,
  keyFile,
}: EtcdTlsFiles): Promise<(endpoint: string) => MemberChannel> {
  const { credentials } = await import("@grpc/grpc-js");
  const read = (option: string, file: string | undefined): Promise<Buffer> | null =>
    file === undefined ? null : readNamed(option, file);
  const [ca, key, cert] = await Promise.all([
    read("ca", caFile),
    read("key", keyFile),
    read("cert", certFile),
  ]);
  return (endpoint) => {
    const host = endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    try {
      if (isIP(host) === 0) return { credentials: credentials.createSsl(ca, key, cert), options: {} };
      // gRPC has TLS ask for the host's name, which must not be an address (RFC 6066, section 3), and Node insists on that. So
      // it asks for another one, and the certificate is held against the address all the same.
      const checkAddress = (_: string, certificate: PeerCertificate) =>
        checkServerIdentity(host, certificate);
      return {
        credentials: credentials.createSsl(ca, key, cert, { checkServerIdentity: checkAddress }),
        options: { "grpc.ssl_target_name_override": NAME_FOR_ADDRESSES },
      };
    } catch (cause) {
      const files = [caFile, certFile, keyFile].filter((file) => file !== undefined);
      throw new BicoastalError(
        "STORE_UNAVAILABLE",
        `TLS to the store cannot be used with ${files.join(", ")}: ${messageOf(cause)}. The files are a CA's certificate, ` +
          "a certificate, and its key, all as PEM.",
        { details: { files, outcome: "failed" }, cause },
      );
    }
  };
}

async function readNamed(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new BicoastalError(
      "STORE_UNAVAILABLE",
      `The store's file for "${option}" cannot be read: ${messageOf(cause)}. Correct the path, or who may read it.`,
      { details: { file, option, outcome: "failed" }, cause },
    );
  }
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
