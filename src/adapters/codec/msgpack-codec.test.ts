import { valueCodecContract } from "../../ports/codec.contract.ts";
import { createMsgpackCodec } from "./msgpack-codec.ts";

valueCodecContract("msgpackr", createMsgpackCodec);
