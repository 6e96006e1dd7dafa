/** Checks of the store: whether it answers, outlasts a loss, and has versions without known faults. */
import { connectEtcd } from "../../adapters/etcd/open.ts";
import {
  countEtcdMembers,
  type EtcdMemberStatus,
  etcdVersionWarning,
  readEtcdStatus,
} from "../../adapters/etcd/status.ts";
import { type EtcdAddress, isEtcdUrl, parseEtcdUrl } from "../../adapters/etcd/url.ts";
import { systemClock } from "../../adapters/machine/system-clock.ts";
import { openStore } from "../../api/compose-store.ts";
import { formatBytes } from "../show/quantity.ts";
import { type Finding, fail, messageOf, ok, warn } from "./finding.ts";

/** etcd takes no more writes beyond its quota, 2 GiB by default. */
const DATABASE_BYTES_WARN = 1.5 * 2 ** 30;

export async function checkStore(store: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  try {
    if (isEtcdUrl(store)) findings.push(...(await checkMembers(parseEtcdUrl(store))));
    if (findings.some(({ level }) => level === "fail")) return findings;
    const opened = await openStore(store);
    try {
      await opened.get("doctor");
    } finally {
      await opened.close();
    }
    const kind = isEtcdUrl(store)
      ? "etcd answers"
      : `the directory ${store} is a store for processes of this machine`;
    findings.push(ok("store", kind));
  } catch (error) {
    findings.push(
      fail("store", messageOf(error), "Look at --store, and whether etcd runs and can be reached from here."),
    );
  }
  return findings;
}

async function checkMembers(address: EtcdAddress): Promise<readonly Finding[]> {
  const client = await connectEtcd({ ...address, clock: systemClock });
  try {
    const statuses = await readEtcdStatus(client);
    const members = await countEtcdMembers(client).catch(() => undefined);
    return [...judgeMembers(statuses, members), ...checkAddress(address)];
  } finally {
    client.close();
  }
}

/** @param members How many the cluster has; undefined where nobody says. */
export function judgeMembers(
  statuses: readonly EtcdMemberStatus[],
  members: number | undefined,
): readonly Finding[] {
  const findings = statuses.flatMap(judgeMember);
  const up = statuses.filter(({ hasLeader }) => hasLeader).length;
  const total = Math.max(members ?? 0, statuses.length);
  const needed = Math.floor(total / 2) + 1;
  if (up === 0)
    findings.push(
      fail(
        "quorum",
        "no member of etcd serves requests",
        `Have ${needed} of ${total} members run and reach each other.`,
      ),
    );
  else if (members !== undefined && members > statuses.length)
    findings.push(
      warn(
        "quorum",
        `--store names ${statuses.length} of etcd's ${members} members`,
        "Name all of them: any may be lost.",
      ),
    );
  else if (up < total)
    findings.push(
      warn("quorum", `${up} of ${total} members of etcd serve requests`, "Bring the others back."),
    );
  else if (total < 3)
    findings.push(
      warn(
        "quorum",
        `etcd has ${total === 1 ? "1 member" : `${total} members`}: it outlasts no loss`,
        "Have three, in three places.",
      ),
    );
  else if (total % 2 === 0)
    findings.push(
      warn(
        "quorum",
        `etcd has ${total} members, and outlasts no more losses than ${total - 1} do`,
        "Have an odd number.",
      ),
    );
  else findings.push(ok("quorum", `etcd has ${total} members, and outlasts the loss of ${total - needed}`));
  return findings;
}

function judgeMember({
  endpoint,
  version,
  isLeader,
  hasLeader,
  databaseBytes,
  failure,
}: EtcdMemberStatus): Finding[] {
  const check = `etcd ${endpoint}`;
  if (version === undefined)
    return [
      warn(
        check,
        `does not answer: ${failure ?? "nothing said why"}`,
        "See whether it runs, and can be reached from here.",
      ),
    ];
  if (!hasLeader)
    return [
      warn(check, "knows of no leader, so it serves nobody", "See whether it reaches the other members."),
    ];
  const findings: Finding[] = [];
  const known = etcdVersionWarning(version);
  if (known !== undefined) findings.push(warn(check, `runs version ${version}`, known));
  if (databaseBytes > DATABASE_BYTES_WARN)
    findings.push(
      warn(
        check,
        `its database has ${formatBytes(databaseBytes)}`,
        "Compact and defragment it before it reaches its quota (2 GiB by default).",
      ),
    );
  if (findings.length === 0) findings.push(ok(check, `version ${version}${isLeader ? ", leads" : ""}`));
  return findings;
}

function checkAddress({ endpoints, tls }: EtcdAddress): readonly Finding[] {
  if (tls !== undefined || endpoints.every(isLoopback)) return [];
  return [
    warn("etcd", "is spoken to without TLS", "Beyond a network that you trust, use etcds://…?ca=FILE."),
  ];
}

const isLoopback = (endpoint: string): boolean => /^(localhost|127\.|\[::1\])/.test(endpoint);
