import { unreachable } from "../../base/assert.ts";
import type { BatchInput } from "../batch.ts";
import { openAggregate } from "./aggregate/open-aggregate.ts";
import { openCogroup, openGroup } from "./group/open-groups.ts";
import { openJoin } from "./join/open-join.ts";
import { openRepartition } from "./open-rows.ts";
import type { ShuffleRequest } from "./shuffle-request.ts";
import { openSort } from "./sort/open-sort.ts";
import { openTop } from "./top/open-top.ts";

/**
 * The input of a task behind a shuffle: rows as the node's documentation has them, keys ascending by `compareKeys`
 * within the partition, values in the order of producers, their partitions and their rows. The rows, and their
 * order, do not depend on `memoryBytes`.
 *
 * Blocks are opened when the first batch is asked for. `next` throws BLOB_MISSING and BLOB_CORRUPT with
 * `details.key`, DISK_FULL, and what the user's aggregator throws.
 */
export async function openShuffle(request: ShuffleRequest): Promise<BatchInput> {
  const { node } = request;
  switch (node.kind) {
    case "aggregate":
      return openAggregate({ ...request, node });
    case "group":
      return openGroup({ ...request, node });
    case "cogroup":
      return openCogroup({ ...request, node });
    case "join":
      return openJoin({ ...request, node });
    case "sort":
      return openSort({ ...request, node });
    case "top":
      return openTop({ ...request, node });
    case "repartition":
      return openRepartition({ ...request, node });
    default:
      return unreachable(node);
  }
}
