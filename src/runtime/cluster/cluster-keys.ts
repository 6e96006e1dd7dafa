import type { NodeId } from "../../base/ids.ts";

export const NODE_PREFIX = "nodes/";

export const nodeKey = (node: NodeId): string => `${NODE_PREFIX}${node}`;

/** There while somebody wants the node to drain; under the node's own lease, so that its next start knows nothing of it. */
export const drainKey = (node: NodeId): string => `drain/${node}`;
