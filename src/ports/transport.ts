import type { NodeId } from "../base/ids.ts";

/**
 * Messages between nodes: at most once, in any order, with no word of what was lost. Whoever needs an answer asks
 * again. Payloads are plain data and must not be changed after sending.
 */
export interface Transport<Message> {
  readonly self: NodeId;
  send(to: NodeId, message: Message): void;
  /** Sets the one receiver. Called from a turn of its own, never from inside `send`. */
  receive(handler: (from: NodeId, message: Message) => void): void;
  close(): void;
}
