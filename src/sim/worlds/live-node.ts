import { type NodeId, nodeId } from "../../base/ids.ts";
import type { ClusterNode } from "../../runtime/cluster/cluster-node.ts";
import type { SimProcess } from "../process.ts";

/** A node of the simulated cluster that is up. */
export interface LiveNode {
  readonly name: NodeId;
  readonly process: SimProcess;
  readonly node: ClusterNode;
}

/** The name of the node at this place. */
export const nameOf = (index: number): NodeId => nodeId(`node${index}`);
