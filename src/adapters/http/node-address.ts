/** Where a node listens, and where the others are told to find it. A wrong address is noticed by nobody until they ask in vain. */
import { BicoastalError } from "../../base/errors.ts";

const PORT_MAX = 65_535;
/** All addresses of a machine: to listen on, and not to be found at. */
const EVERYWHERE = /^(0+(\.0+){3}|[0:]+)$/;

export interface NodeAddress {
  /** What the node listens on. */
  readonly host: string;
  /** `host:port` where others reach it, where that is somewhere else. */
  readonly address: string | undefined;
}

/** An address of version 6 without the brackets that it has beside a port. */
export const bareHost = (host: string): string => host.replace(/^\[(.*)\]$/, "$1");

/** Throws USAGE where no other machine could find the node. */
export function assertFindable({ host, address }: NodeAddress): void {
  if (address === undefined) {
    if (!EVERYWHERE.test(bareHost(host))) return;
    throw wrong(
      `A node that listens on ${host} listens on all addresses of its machine, and has to be told at which of them the others find it: --address HOST:PORT (or BICOASTAL_ADDRESS), such as 10.0.0.7:7400. Or name that one with --host.`,
      { host },
    );
  }
  const parts = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(address);
  const port = Number(parts?.[2]);
  if (parts === null || port < 1 || port > PORT_MAX)
    throw wrong(
      `--address is ${JSON.stringify(address)}; it must be HOST:PORT, such as 10.0.0.7:7400 or [fd00::7]:7400.`,
      { address },
    );
  if (EVERYWHERE.test(bareHost(parts[1] ?? "")))
    throw wrong(
      `--address ${address} names all addresses of a machine, and no other machine finds this one there. Give the one at which the others reach it.`,
      { address },
    );
}

/** @param port The one it listens on. */
export function findableAt({ host, address }: NodeAddress, port: number): string {
  if (address !== undefined) return address;
  const bare = bareHost(host);
  return bare.includes(":") ? `[${bare}]:${port}` : `${bare}:${port}`;
}

const wrong = (message: string, details: { readonly host?: string; readonly address?: string }) =>
  new BicoastalError("USAGE", message, { details: { option: "address", ...details } });
