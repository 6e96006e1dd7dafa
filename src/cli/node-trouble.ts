/** What goes wrong between nodes, told once in a while: what fails is tried again at once, and would fill the log. */
import type { LinkTrouble } from "../adapters/http/peer-links.ts";
import type { Clock } from "../ports/clock.ts";
import type { NodeSays } from "./node-says.ts";
import { escapeText } from "./show/escape.ts";

const SILENT_MS = 60_000;
/** Nodes that are told of within that time; of more, those are told again that were told of first. */
const TOLD_MAX = 4_096;

export function createTroubleTeller(
  clock: Pick<Clock, "monotonicMs">,
  says: Pick<NodeSays, "say">,
): (trouble: LinkTrouble) => void {
  const told = new Map<string, number>();
  return (trouble) => {
    const text = textOf(trouble);
    const key = `${trouble.node} ${trouble.kind === "dropped" ? "dropped" : text}`;
    const nowMs = clock.monotonicMs();
    const toldMs = told.get(key);
    if (toldMs !== undefined && nowMs - toldMs < SILENT_MS) return;
    told.delete(key);
    told.set(key, nowMs);
    const [oldest] = told.keys();
    if (told.size > TOLD_MAX && oldest !== undefined) told.delete(oldest);
    const { kind, node, ...facts } = trouble;
    says.say(
      "warn",
      { kind: "trouble", what: kind, peer: node, ...facts },
      `${escapeText(node)}: ${escapeText(text)}`,
    );
  };
}

function textOf(trouble: LinkTrouble): string {
  switch (trouble.kind) {
    case "unreachable":
      return `cannot be reached: ${trouble.reason}`;
    case "refused":
      return trouble.status === 401
        ? "does not accept this node's token: give all nodes the same"
        : `refused a message with status ${trouble.status}`;
    case "dropped":
      return `${trouble.messages} messages to it had no room, and are sent again`;
  }
}
