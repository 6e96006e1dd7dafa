import { systemClock } from "../../adapters/machine/system-clock.ts";
import { listNodes, securityOf } from "../../api/compose-store.ts";
import type { TlsOptions } from "../../api/session.ts";
import { packageVersion } from "../version.ts";
import { checkDataDir, checkNode, checkSecurity } from "./check-machine.ts";
import { checkNodes } from "./check-nodes.ts";
import { checkStore } from "./check-store.ts";
import { type Finding, fail, messageOf } from "./finding.ts";

export interface DiagnoseRequest {
  readonly dataDir: string;
  /** Default: jobs run on this machine, and nothing of a cluster is looked at. */
  readonly store?: string;
  /** Default: what the environment names. */
  readonly tls?: TlsOptions;
}

/** Everything that can be found out from here. Never throws for what it looks for. */
export async function diagnose({ dataDir, store, tls }: DiagnoseRequest): Promise<readonly Finding[]> {
  const findings = [checkNode(process.versions.node), ...(await checkDataDir(dataDir))];
  if (store === undefined) return findings;
  const security = checkSecurity(() => securityOf(tls), systemClock.wallMs());
  findings.push(security, ...(await checkStore(store)));
  if (findings.some(({ level, check }) => level === "fail" && check !== "node")) return findings;
  try {
    const here = { version: packageVersion(), security: securityOf(tls), wallMs: systemClock.wallMs };
    findings.push(...(await checkNodes(await listNodes(store), here)));
  } catch (error) {
    findings.push(fail("nodes", messageOf(error), "Look at the store first."));
  }
  return findings;
}
