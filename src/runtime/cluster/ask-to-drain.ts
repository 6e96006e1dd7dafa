/** How somebody who is no node has one drained: by a key that the node watches, and the node's card, which says how far it is. */
import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { type RetryClock, untilAvailable } from "../retry.ts";
import { drainKey, nodeKey } from "./cluster-keys.ts";
import { Members } from "./members.ts";
import type { NodeCard } from "./node-card.ts";

/** Names listed in a message. */
const LISTED_MAX = 10;
/** A busy node, or one that the store could not hear, belongs to the cluster again after its lease: it is waited for so long. */
const AWAY_MS_MAX = 30_000;

export interface AskToDrain {
  readonly store: ControlStore;
  readonly timing: RetryClock;
  readonly node: NodeId;
  /** The node is there, and was asked. */
  readonly onAsked: () => void;
}

/**
 * Resolves when the node is drained: nothing of it is needed any more. Throws USAGE where there is no such node,
 * PEER_UNREACHABLE where it leaves before it is drained.
 */
export async function askToDrain({ store, timing, node, onAsked }: AskToDrain): Promise<void> {
  let settle = (): void => {};
  let stopWaiting: (() => void) | undefined;
  const members = new Members({ store, timing, self: undefined, leaseMs: 0, onChange: () => settle() });
  try {
    await members.start();
    const first = members.get(node);
    if (first === undefined) throw noSuchNode(node, members.all());
    await putWish(store, timing, node);
    onAsked();
    await new Promise<void>((resolve, reject) => {
      settle = () => {
        const card = members.get(node);
        if (card === undefined) {
          stopWaiting ??= timing.clock.setTimer(AWAY_MS_MAX, () => reject(leftEarly(node)));
          return;
        }
        const wasAway = stopWaiting !== undefined;
        stopWaiting?.();
        stopWaiting = undefined;
        if (card.incarnation !== first.incarnation) reject(leftEarly(node));
        else if (card.state === "drained") resolve();
        // The wish went with the lease, and it may not have heard of it.
        else if (wasAway && card.state === "ready")
          putWish(store, timing, node).catch((error) => {
            if (members.get(node) !== undefined) reject(error);
          });
      };
      settle();
    });
  } finally {
    stopWaiting?.();
    await members.close();
  }
}

/** Under the node's own lease: the wish is to this start of it. */
async function putWish(store: ControlStore, timing: RetryClock, node: NodeId): Promise<void> {
  const ask = async (): Promise<boolean> => {
    const lease = (await store.get(nodeKey(node))).entry?.lease;
    if (lease === undefined) return false;
    const wish = { kind: "put", key: drainKey(node), value: new Uint8Array(), lease } as const;
    const { succeeded } = await store.txn({
      compare: [{ key: nodeKey(node), target: "createRevision", op: ">", value: 0 }],
      success: [wish],
    });
    return succeeded;
  };
  if (!(await untilAvailable(timing, ask, () => false))) throw leftEarly(node);
}

function noSuchNode(node: string, there: readonly NodeCard[]): BicoastalError {
  const names = there.map((card) => card.node);
  const more = names.length > LISTED_MAX ? `, and ${names.length - LISTED_MAX} more` : "";
  const listed =
    names.length === 0 ? "It has none now." : `It has ${names.slice(0, LISTED_MAX).join(", ")}${more}.`;
  return new BicoastalError("USAGE", `The cluster has no node ${JSON.stringify(node)}. ${listed}`, {
    details: { node },
  });
}

const leftEarly = (node: NodeId): BicoastalError =>
  new BicoastalError(
    "PEER_UNREACHABLE",
    `Node ${node} left the cluster before it was drained. What it had is made again where it is needed.`,
    { retryable: false, details: { node } },
  );
