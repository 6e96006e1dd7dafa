import type { NodeId } from "../../base/ids.ts";

export const NODE_PREFIX = "nodes/";

export const nodeKey = (node: NodeId): string => `${NODE_PREFIX}${node}`;
