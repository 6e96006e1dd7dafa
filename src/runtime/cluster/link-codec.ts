/** How nodes' messages travel: for whoever connects the nodes, who need not know what they say. */
import type { WireMessage } from "../../protocol/wire.ts";
import { decodeMessages, encodeMessages } from "../../protocol/wire-codec.ts";

export type { WireMessage };

export const linkCodec = { encode: encodeMessages, decode: decodeMessages };
