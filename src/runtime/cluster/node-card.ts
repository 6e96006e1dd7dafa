/** What a node says of itself in the store, for as long as it lives. */
import { type NodeId, nodeId } from "../../base/ids.ts";
import type { Entry } from "../../ports/control-store.ts";
import { decodeObject } from "../../protocol/codec.ts";
import { fieldsOf, isCount, isNumber, isText, oneOf, optional } from "../../protocol/shape.ts";

/**
 * `draining`: it ends what it runs, takes nothing new, and gives others what they read of it. `drained`: nothing of it is
 * needed any more.
 */
export type NodeState = "ready" | "draining" | "drained";

export interface NodeCard {
  readonly node: NodeId;
  /** New with every start. */
  readonly incarnation: string;
  /** `host:port` where others reach it; undefined where they cannot, and it only asks. */
  readonly address: string | undefined;
  /** The coast it stands on. */
  readonly region: string;
  /** Who controls it. */
  readonly domain: string;
  /** Tasks at a time. */
  readonly slots: number;
  /** For all of them together. */
  readonly memoryBytes: number;
  /** Of Bicoastal. */
  readonly version: string;
  readonly startedAtMs: number;
  readonly state: NodeState;
}

const isCard = fieldsOf({
  node: isText,
  incarnation: isText,
  address: optional(isText),
  region: isText,
  domain: isText,
  slots: isCount,
  memoryBytes: isNumber,
  version: isText,
  startedAtMs: isNumber,
  state: oneOf("ready", "draining", "drained"),
});

/** Undefined where the card is damaged or another version's: nothing can be sent to such a node. */
export function decodeNodeCard(entry: Entry): NodeCard | undefined {
  try {
    const card = decodeObject(entry.value, `Key ${entry.key}`);
    if (!isCard(card)) return undefined;
    return { ...(card as unknown as NodeCard), node: nodeId(card.node as string) };
  } catch {
    return undefined;
  }
}
