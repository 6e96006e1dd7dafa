/** Checks of this machine: Node, the data directory, what nodes know each other by. */
import { statfs, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareDataDir } from "../../adapters/fs/data-dir.ts";
import { assertToken, type PeerSecurity } from "../../adapters/http/security.ts";
import { expiryOf } from "../../adapters/http/tls-files.ts";
import { formatBytes } from "../show/quantity.ts";
import { type Finding, fail, messageOf, ok, warn } from "./finding.ts";

/** As package.json says. */
const NODE_MIN = [20, 19] as const;
/** Blocks, spilled runs and outputs of jobs need room: so much is soon full. */
const FREE_BYTES_WARN = 5e9;
const FREE_BYTES_MIN = 100e6;
/** A node does not start, and is refused, with one that has expired. */
const EXPIRY_DAYS_WARN = 14;
const DAY_MS = 86_400_000;

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]))
    return ok("node", `Node ${version}`);
  return fail("node", `Node ${version} is too old`, `Install Node ${NODE_MIN.join(".")} or newer.`);
}

export async function checkDataDir(path: string): Promise<readonly Finding[]> {
  let root: string;
  try {
    root = (await prepareDataDir(path)).root;
    const probe = join(root, `doctor-${process.pid}`);
    await writeFile(probe, "x");
    await unlink(probe);
  } catch (error) {
    return [fail("data", messageOf(error), "Give one that this user may write with --data-dir.")];
  }
  const { bavail, bsize } = await statfs(root);
  return [ok("data", `${root} can be written`), checkSpace(bavail * bsize)];
}

export function checkSpace(freeBytes: number): Finding {
  const text = `${formatBytes(freeBytes)} free for data`;
  const advice = "Free some, or give a directory on a larger disk with --data-dir.";
  if (freeBytes < FREE_BYTES_MIN) return fail("disk", text, advice);
  return freeBytes < FREE_BYTES_WARN ? warn("disk", text, advice) : ok("disk", text);
}

/** @param read What the environment says; throws where that cannot be. */
export function checkSecurity(read: () => PeerSecurity, nowMs: number): Finding {
  try {
    const { token, tls } = read();
    if (token !== undefined) assertToken(token);
    if (tls !== undefined) return checkExpiry(expiryOf(tls), nowMs);
    if (token !== undefined)
      return warn(
        "security",
        "nodes know each other by the token; what they say can be read on the way",
        "Beyond a network that you trust, give each node --tls-ca, --tls-cert and --tls-key (bicoastal certs makes some to try).",
      );
    return warn(
      "security",
      "neither a token nor certificates: a node here listens on its own loopback only",
      "For several machines, set BICOASTAL_TOKEN, the same on each: openssl rand -hex 32",
    );
  } catch (error) {
    return fail("security", messageOf(error), "Set it right on each node and here.");
  }
}

function checkExpiry(expiresAtMs: number, nowMs: number): Finding {
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  const text = `nodes speak TLS, and know each other by their certificates; this one's is valid for ${days} more ${days === 1 ? "day" : "days"}`;
  if (days >= EXPIRY_DAYS_WARN) return ok("security", text);
  return warn("security", text, "Make a new one in time, and start the node again with it.");
}
