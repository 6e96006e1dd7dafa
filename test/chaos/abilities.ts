/** What of the faults this machine lets anybody make, and what is left out here and why. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mayMakeNetworks } from "../cluster/network-spaces.ts";
import { mayLimitMemory } from "./memory-limit.ts";
import { FAULT_KINDS, type FaultKind } from "./schedule.ts";

const mayMount =
  process.platform === "linux" &&
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

const CLOCK_LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`,
);

export interface Abilities {
  readonly networks: boolean;
  readonly disks: boolean;
  readonly memory: boolean;
  /** The path of libfaketime. */
  readonly clocks: string | undefined;
}

export const abilitiesHere = (): Abilities => ({
  networks: mayMakeNetworks,
  disks: mayMount,
  memory: mayLimitMemory,
  clocks: CLOCK_LIBRARIES.find((path) => existsSync(path)),
});

const NEEDS: Partial<Record<FaultKind, { readonly ability: keyof Abilities; readonly what: string }>> = {
  "cut two nodes from each other": { ability: "networks", what: "network namespaces, as root on Linux" },
  "cut a node from the others": { ability: "networks", what: "network namespaces, as root on Linux" },
  "cut a node from the store": { ability: "networks", what: "network namespaces, as root on Linux" },
  "cut a region off": { ability: "networks", what: "network namespaces, as root on Linux" },
  "fill a disk": { ability: "disks", what: "to mount small disks, as root on Linux" },
  "shift a clock": { ability: "clocks", what: "libfaketime (Debian: apt-get install faketime)" },
  "run a clock at another speed": {
    ability: "clocks",
    what: "libfaketime (Debian: apt-get install faketime)",
  },
  "squeeze a node's memory": { ability: "memory", what: "control groups that are writable" },
};

export interface LeftOut {
  readonly kind: FaultKind;
  readonly needs: string;
}

/** @param only Kinds that were asked for. Default: all. */
export function kindsFor(
  abilities: Abilities,
  only: readonly FaultKind[] = FAULT_KINDS,
): { readonly kinds: readonly FaultKind[]; readonly leftOut: readonly LeftOut[] } {
  const leftOut = only.flatMap((kind) => {
    const needs = NEEDS[kind];
    return needs === undefined || abilities[needs.ability] ? [] : [{ kind, needs: needs.what }];
  });
  return { kinds: only.filter((kind) => !leftOut.some((one) => one.kind === kind)), leftOut };
}
