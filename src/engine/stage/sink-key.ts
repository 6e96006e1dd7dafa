import { unreachable } from "../../base/assert.ts";
import type { UserFunction, WideNode } from "../../plan/node.ts";
import type { Sink } from "../../plan/stage.ts";

/** How a sink takes its records: by key, or as they are. */
export type SinkKey = UserFunction | "pair" | "record" | "all" | "none";

export function keyOf(sink: Sink): SinkKey {
  switch (sink.kind) {
    case "end":
      return "none";
    case "broadcast":
      return "pair";
    case "shuffle":
      return keyOfShuffle(sink.shuffle);
    default:
      return unreachable(sink);
  }
}

function keyOfShuffle(shuffle: WideNode): SinkKey {
  switch (shuffle.kind) {
    case "aggregate":
    case "group":
      return shuffle.key;
    case "cogroup":
    case "join":
      return "pair";
    case "sort":
    case "top":
      return shuffle.by;
    case "repartition":
      return "none";
    default:
      return unreachable(shuffle);
  }
}
