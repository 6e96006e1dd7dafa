import type { NodeId } from "../base/ids.ts";
import type { Transport } from "../ports/transport.ts";

interface Member<Message> {
  handler: ((from: NodeId, message: Message) => void) | undefined;
  open: boolean;
}

/** Messages between the parts of one process: nothing is lost, and each arrives in a turn of its own, in order. */
export class LocalHub<Message> {
  readonly #members = new Map<NodeId, Member<Message>>();

  /** A member of this name takes the place of an earlier one. */
  join(self: NodeId): Transport<Message> {
    const member: Member<Message> = { handler: undefined, open: true };
    this.#members.set(self, member);
    return {
      self,
      send: (to, message) => {
        if (!member.open) return;
        queueMicrotask(() => this.#members.get(to)?.handler?.(self, message));
      },
      receive: (handler) => {
        if (member.open) member.handler = handler;
      },
      close: () => {
        member.open = false;
        member.handler = undefined;
        if (this.#members.get(self) === member) this.#members.delete(self);
      },
    };
  }
}
