/** A cluster's store and its members, for whoever is no node: opened by name, and asked or told a little. */
import { openEtcdControlStore } from "../adapters/etcd/open.ts";
import { assertDirectory, isEtcdUrl, parseEtcdUrl } from "../adapters/etcd/url.ts";
import type { PeerSecurity } from "../adapters/http/security.ts";
import { openLmdbControlStore } from "../adapters/lmdb/store.ts";
import { systemClock } from "../adapters/machine/system-clock.ts";
import { thisMachine } from "../adapters/machine/this-machine.ts";
import { BicoastalError } from "../base/errors.ts";
import { type JobId, nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { ControlStore } from "../ports/control-store.ts";
import { askToDrain } from "../runtime/cluster/ask-to-drain.ts";
import { Members } from "../runtime/cluster/members.ts";
import type { NodeCard } from "../runtime/cluster/node-card.ts";
import { jobsThatSetAside } from "../runtime/set-aside.ts";
import type { TlsOptions } from "./session.ts";

/** What a node says of itself, and the jobs that give it nothing new, as tasks failed there that others have completed. */
export interface ListedNode extends NodeCard {
  readonly setAsideBy: readonly JobId[];
}

/** Opens the store that the text names. Throws USAGE, STORE_UNAVAILABLE. */
export async function openStore(text: string): Promise<ControlStore> {
  if (isEtcdUrl(text)) return await openEtcdControlStore({ ...parseEtcdUrl(text), clock: systemClock });
  assertDirectory(text);
  return await openLmdbControlStore({ directory: thisMachine.resolvePath(text), clock: systemClock });
}

/** Who belongs to the cluster now, by name. Throws USAGE, STORE_UNAVAILABLE. */
export async function listNodes(store: string): Promise<readonly ListedNode[]> {
  const opened = await openStore(store);
  const retrying = { clock: systemClock, random: new Prng(thisMachine.randomId()) };
  const members = new Members({
    store: opened,
    timing: retrying,
    self: undefined,
    leaseMs: 0,
    onChange: () => {},
  });
  try {
    await members.start();
    const setAside = await jobsThatSetAside(opened);
    return members.all().map((card) => ({ ...card, setAsideBy: setAside.get(card.node) ?? [] }));
  } finally {
    await members.close();
    await opened.close();
  }
}

/**
 * Asks the node to drain, calls back once it was asked, and resolves when it has. Throws USAGE where there is no such node, PEER_UNREACHABLE where it left
 * before, and STORE_UNAVAILABLE.
 */
export async function drainNode(store: string, node: string, onAsked: () => void): Promise<void> {
  const opened = await openStore(store);
  const timing = { clock: systemClock, random: new Prng(thisMachine.randomId()) };
  try {
    await askToDrain({ store: opened, timing, node: nodeId(node), onAsked });
  } finally {
    await opened.close();
  }
}

/**
 * What this cluster's nodes know each other by. The token is read from the environment alone: a secret is not for command lines.
 * Throws USAGE where only a part of the files is named.
 */
export function securityOf(tls: TlsOptions | undefined): PeerSecurity {
  const read = (name: string): string | undefined => thisMachine.environment(name) || undefined;
  const token = read("BICOASTAL_TOKEN");
  if (tls !== undefined) return { token, tls };
  const [ca, cert, key] = [read("BICOASTAL_TLS_CA"), read("BICOASTAL_TLS_CERT"), read("BICOASTAL_TLS_KEY")];
  if (ca === undefined && cert === undefined && key === undefined) return { token };
  if (ca !== undefined && cert !== undefined && key !== undefined) return { token, tls: { ca, cert, key } };
  throw new BicoastalError(
    "USAGE",
    "BICOASTAL_TLS_CA, BICOASTAL_TLS_CERT and BICOASTAL_TLS_KEY come together: each names a PEM file.",
  );
}
