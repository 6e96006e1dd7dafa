/** Checks of the nodes: whether they can be reached from here, take the same token, run the same version and agree on the time. */
import { createPeerClient, type PeerClient } from "../../adapters/http/peer-client.ts";
import type { PeerSecurity } from "../../adapters/http/security.ts";
import { decodeWho } from "../../adapters/http/who-route.ts";
import type { NodeCard } from "../../runtime/cluster/node-card.ts";
import { type Finding, fail, messageOf, ok, warn } from "./finding.ts";

/** What HTTP's dates and the way to a node leave uncertain, and more than anything here depends on. */
const SKEW_MS_WARN = 5_000;
const BYTES_MAX = 4_096;

export interface Here {
  readonly version: string;
  readonly security: PeerSecurity;
  readonly wallMs: () => number;
}

export async function checkNodes(nodes: readonly NodeCard[], here: Here): Promise<readonly Finding[]> {
  if (nodes.length === 0)
    return [warn("nodes", "no node belongs to the cluster now", "Start some: bicoastal node --store STORE")];
  const client = createPeerClient(here.security);
  try {
    const each = await Promise.all(nodes.map((node) => checkOne(node, client, here)));
    return [...each.flat(), ...checkRegions(nodes)];
  } finally {
    await client.close();
  }
}

async function checkOne(card: NodeCard, client: PeerClient, here: Here): Promise<readonly Finding[]> {
  const check = `node ${card.node}`;
  if (card.address === undefined) return [ok(check, "cannot be asked, and only asks others")];
  const findings: Finding[] = [];
  try {
    const health = await client.request({ address: card.address, method: "GET", path: "/health" });
    const skewMs = skewOf(health.headers.date, here.wallMs());
    await health.bytes(BYTES_MAX);
    const known = await client.request({ address: card.address, method: "GET", path: "/v1/who" });
    const who = decodeWho(await known.bytes(BYTES_MAX).catch(() => new Uint8Array()));
    if (who !== undefined && (who.node !== card.node || who.incarnation !== card.incarnation))
      findings.push(
        fail(
          check,
          `${card.address}, where it says it is, is answered by ${who.node === card.node ? "another start of it" : who.node}`,
          "Give each node a --name and an --address of its own.",
        ),
      );
    if (known.status === 401)
      findings.push(
        fail(
          check,
          `${card.address} knows another token`,
          "Set the same BICOASTAL_TOKEN on every node and here.",
        ),
      );
    if (skewMs !== undefined && Math.abs(skewMs) >= SKEW_MS_WARN)
      findings.push(
        warn(
          check,
          `its clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead" : "behind"}`,
          "Have NTP set the clocks: times that are shown, and ctx.now, differ.",
        ),
      );
  } catch (error) {
    return [
      fail(
        check,
        `${card.address} cannot be reached from here: ${messageOf(error)}`,
        "See whether it runs, whether a firewall is in between, and whether --address names it as others see it.",
      ),
    ];
  }
  if (card.version !== here.version)
    findings.push(
      warn(
        check,
        `runs version ${card.version}, and this is ${here.version}`,
        "Run the same version everywhere.",
      ),
    );
  return findings.length === 0
    ? [ok(check, `${card.state} at ${card.address}, in ${card.region}`)]
    : findings;
}

function checkRegions(nodes: readonly NodeCard[]): readonly Finding[] {
  const ready = nodes.filter(({ state }) => state === "ready");
  if (ready.length > 0) return [ok("nodes", `${ready.length} of ${nodes.length} take tasks`)];
  return [warn("nodes", "no node takes tasks now", "Start one: bicoastal node --store STORE")];
}

/** How far that clock is ahead; HTTP says it in whole seconds. */
function skewOf(date: string | string[] | undefined, wallMs: number): number | undefined {
  const thereMs = typeof date === "string" ? Date.parse(date) : Number.NaN;
  return Number.isNaN(thereMs) ? undefined : thereMs - wallMs;
}
