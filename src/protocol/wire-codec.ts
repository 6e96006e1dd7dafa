/** Batches of messages between nodes as bytes: JSON in UTF-8 with a version. */
import { BicoastalError } from "../base/errors.ts";
import { encodeJson } from "./codec.ts";
import { isFields } from "./shape.ts";
import type { WireMessage } from "./wire.ts";
import { isWireMessage } from "./wire-shape.ts";

/** Raised with every change that an older build would misread; nodes of different versions do not speak to each other. */
export const WIRE_VERSION = 1;

const decoder = new TextDecoder("utf-8", { fatal: true });

export const encodeMessages = (messages: readonly WireMessage[]): Uint8Array =>
  encodeJson({ version: WIRE_VERSION, messages });

/**
 * Throws MESSAGE_INVALID where any of them is not a message of this version.
 * @param sender Named in the error.
 */
export function decodeMessages(bytes: Uint8Array, sender: string): readonly WireMessage[] {
  let batch: unknown;
  try {
    batch = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw invalid(sender, "is not JSON", cause);
  }
  if (!isFields(batch) || !Array.isArray(batch.messages)) throw invalid(sender, "is no batch of messages");
  if (batch.version !== WIRE_VERSION) {
    const version = typeof batch.version === "number" ? String(batch.version) : "none";
    throw invalid(sender, `is of version ${version}, and this node speaks version ${WIRE_VERSION}`);
  }
  const messages: readonly unknown[] = batch.messages;
  const index = messages.findIndex((message) => !isWireMessage(message));
  if (index !== -1) throw invalid(sender, `has no right message at place ${index}`);
  return messages as readonly WireMessage[];
}

function invalid(sender: string, what: string, cause?: unknown): BicoastalError {
  const message = `What ${sender} sent ${what}. Run the same version of Bicoastal on every node.`;
  return new BicoastalError("MESSAGE_INVALID", message, { details: { sender }, cause });
}
