/** Checks of this machine: Node, the data directory, what nodes know each other by. */
import { statfs, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { prepareDataDir } from "../../adapters/fs/data-dir.ts";
import { assertToken, type PeerSecurity, readTlsFiles } from "../../adapters/http/security.ts";
import { formatBytes } from "../show/quantity.ts";
import { type Finding, fail, messageOf, ok, warn } from "./finding.ts";

/** As package.json says. */
const NODE_MIN = [20, 19] as const;
/** Blocks, spilled runs and outputs of jobs need room: so much is soon full. */
const FREE_BYTES_WARN = 5e9;
const FREE_BYTES_MIN = 100e6;

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
export function checkSecurity(read: () => PeerSecurity): Finding {
  try {
    const { token, tls } = read();
    if (token !== undefined) assertToken(token);
    if (tls !== undefined) readTlsFiles(tls);
    if (tls !== undefined)
      return ok("security", "nodes speak TLS, and know each other by their certificates");
    if (token !== undefined)
      return warn(
        "security",
        "nodes know each other by the token; what they say can be read on the way",
        "Beyond a network that you trust, set BICOASTAL_TLS_CA, BICOASTAL_TLS_CERT and BICOASTAL_TLS_KEY.",
      );
    return warn(
      "security",
      "neither a token nor certificates: a node here listens on its own loopback only",
      "For several machines, set BICOASTAL_TOKEN, the same on each: openssl rand -hex 32",
    );
  } catch (error) {
    return fail("security", messageOf(error), "Set it right in the environment of each node.");
  }
}
