import type { NodeId } from "../base/ids.ts";

/**
 * Messages between nodes: at most once, in any order, with no word of what was lost. Whoever needs an answer asks
 * again. Payloads are plain data and must not be changed after sending.
 */
export interface Transport<Message> {
  readonly self: NodeId;
  send(to: NodeId, message: Message): void;
  /**
   * Sets the one receiver, in place of an earlier one. Called from a turn of its own, never from inside `send`. What
   * comes while there is none is lost.
   */
  receive(handler: (from: NodeId, message: Message) => void): void;
  /** From now on nothing is sent or received; harmless when repeated, and for another node of the same name. */
  close(): void;
}
