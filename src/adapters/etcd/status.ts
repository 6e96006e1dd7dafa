/** What the members of an etcd cluster say of themselves, and what is known of their versions. */
import type { EtcdClient } from "./client.ts";
import { textOf } from "./errors.ts";
import { Cluster, Maintenance } from "./etcd-messages.ts";

export interface EtcdMemberStatus {
  readonly endpoint: string;
  /** Such as "3.5.28"; undefined where the member does not answer. */
  readonly version: string | undefined;
  readonly isLeader: boolean;
  /** Whether it knows of a leader: without one, it serves nobody. */
  readonly hasLeader: boolean;
  /** Of its database on its disk. */
  readonly databaseBytes: number;
  /** Why it does not answer. */
  readonly failure: string | undefined;
}

/** Asks each member that the client was given, in that order. Never throws for one that does not answer. */
export async function readEtcdStatus(client: EtcdClient): Promise<readonly EtcdMemberStatus[]> {
  const replies = await client.ask(Maintenance.method.status, {});
  return replies.map(({ endpoint, reply }): EtcdMemberStatus => {
    if (reply instanceof Error)
      return {
        endpoint,
        version: undefined,
        isLeader: false,
        hasLeader: false,
        databaseBytes: 0,
        failure: textOf(reply),
      };
    const hasLeader = reply.leader !== "0";
    return {
      endpoint,
      version: reply.version,
      isLeader: hasLeader && reply.leader === reply.header?.memberId,
      hasLeader,
      databaseBytes: Number(reply.dbSize),
      failure: undefined,
    };
  });
}

/** How many members the cluster has: more than half of them must run. An address list may lack some. */
export async function countEtcdMembers(client: EtcdClient): Promise<number> {
  return await client.read(Cluster.method.memberList, {}, ({ members }) => members.length, { isLocal: true });
}

/** In each line of releases, the first without the faults below. */
const soundFrom: Readonly<Record<string, number>> = { "3.4": 42, "3.5": 28, "3.6": 9 };
const OLDEST_MINOR = 4;

/** What is known against a version, and what to do; undefined where nothing is. */
export function etcdVersionWarning(version: string): string | undefined {
  const parts = /^(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (parts === null) return `The version of etcd, ${JSON.stringify(version)}, is not one that is known.`;
  const [major, minor, patch] = parts.slice(1).map(Number) as [number, number, number];
  if (major !== 3 || minor < OLDEST_MINOR)
    return `etcd ${version} is not supported: run 3.4 or newer of version 3.`;
  const sound = soundFrom[`3.${minor}`];
  if (sound === undefined || patch >= sound) return undefined;
  return (
    `etcd ${version} has known faults in its leases, and may give readers what is too old after a member was paused. ` +
    `Upgrade to 3.${minor}.${sound} or newer.`
  );
}
