import type { NodeId } from "../base/ids.ts";
import type { Transport } from "../ports/transport.ts";

/** Messages between the parts of one process: nothing is lost, and each arrives in a turn of its own, in order. */
export class LocalHub<Message> {
  readonly #handlers = new Map<NodeId, (from: NodeId, message: Message) => void>();

  join(self: NodeId): Transport<Message> {
    return {
      self,
      send: (to, message) => {
        queueMicrotask(() => this.#handlers.get(to)?.(self, message));
      },
      receive: (handler) => {
        this.#handlers.set(self, handler);
      },
      close: () => {
        this.#handlers.delete(self);
      },
    };
  }
}
