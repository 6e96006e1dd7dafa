import { lz4Contract } from "../../ports/lz4.contract.ts";
import { lz4 } from "./lz4.ts";

lz4Contract("lz4_flex as WebAssembly", () => lz4);
