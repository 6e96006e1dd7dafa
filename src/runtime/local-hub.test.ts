import { type TestMessage, transportContract } from "../ports/transport.contract.ts";
import { LocalHub } from "./local-hub.ts";

transportContract("LocalHub", () => {
  const hub = new LocalHub<TestMessage>();
  return { join: (self) => hub.join(self), settle: () => new Promise((resolve) => setImmediate(resolve)) };
});
