import { beforeEach, describe, expect, it } from "vitest";
import { type NodeId, nodeId } from "../base/ids.ts";
import type { Transport } from "./transport.ts";

export interface TestMessage {
  readonly kind: "test";
  readonly text: string;
}

/** Nodes that can reach each other, where nothing goes wrong by itself. */
export interface TransportBench {
  join(self: NodeId): Transport<TestMessage>;
  /** Resolves when everything under way has arrived. */
  settle(): Promise<void>;
}

const A = nodeId("a");
const B = nodeId("b");
const say = (text: string): TestMessage => ({ kind: "test", text });

/** What every transport keeps to; this one loses nothing, so what is sent to an open node also comes. */
export function transportContract(name: string, create: () => TransportBench): void {
  describe(`transport contract: ${name}`, () => {
    let bench: TransportBench;
    let seen: string[];
    beforeEach(() => {
      bench = create();
      seen = [];
    });

    /** A node that writes down what it gets. */
    function listen(self: NodeId, as: string = self): Transport<TestMessage> {
      const transport = bench.join(self);
      transport.receive((from, { text }) => seen.push(`${from} to ${as}: ${text}`));
      return transport;
    }

    it("brings a message once, to whom it was sent, and says from whom", async () => {
      const a = listen(A);
      const b = listen(B);
      expect([a.self, b.self]).toEqual([A, B]);
      a.send(B, say("hello"));
      b.send(A, say("good day"));
      await bench.settle();
      expect([...seen].sort()).toEqual(["a to b: hello", "b to a: good day"]);
    });

    it("brings the message as it is", async () => {
      const a = listen(A);
      const got: TestMessage[] = [];
      bench.join(B).receive((_, message) => got.push(message));
      const text = "日本\u0000\ud800";
      a.send(B, say(text));
      await bench.settle();
      expect(got).toEqual([{ kind: "test", text }]);
    });

    it("never calls from inside send, not even for a message to oneself", async () => {
      const a = listen(A);
      a.send(A, say("note"));
      expect(seen).toEqual([]);
      await bench.settle();
      expect(seen).toEqual(["a to a: note"]);
    });

    it("takes an answer sent from inside the receiver", async () => {
      const a = listen(A);
      const b = bench.join(B);
      b.receive((from, { text }) => {
        b.send(from, say(`${text}, too`));
        seen.push("answered");
      });
      a.send(B, say("hello"));
      await bench.settle();
      expect(seen).toEqual(["answered", "b to a: hello, too"]);
    });

    it("brings many, each once", async () => {
      const a = listen(A);
      listen(B);
      const texts = Array.from({ length: 200 }, (_, index) => String(index).padStart(3, "0"));
      for (const text of texts) a.send(B, say(text));
      await bench.settle();
      expect([...seen].sort()).toEqual(texts.map((text) => `a to b: ${text}`));
    });

    it("says nothing of messages to nobody, or to one who does not listen", async () => {
      const a = listen(A);
      const b = bench.join(B);
      a.send(nodeId("nobody"), say("lost"));
      a.send(B, say("lost too"));
      await bench.settle();
      b.receive(() => seen.push("late"));
      await bench.settle();
      expect(seen).toEqual([]);
    });

    it("has one receiver at a time", async () => {
      const a = listen(A);
      const b = listen(B, "first");
      b.receive((from, { text }) => seen.push(`${from} to second: ${text}`));
      a.send(B, say("hello"));
      await bench.settle();
      expect(seen).toEqual(["a to second: hello"]);
    });

    it("brings nothing to a closed node, nor anything of its sending", async () => {
      const a = listen(A);
      const b = listen(B);
      a.send(B, say("under way"));
      b.close();
      b.close();
      a.send(B, say("too late"));
      b.send(A, say("from beyond"));
      b.receive(() => seen.push("heard again"));
      a.send(B, say("still too late"));
      await bench.settle();
      expect(seen).toEqual([]);
    });

    it("gives the name of a node that went to the one that comes", async () => {
      const a = listen(A);
      const old = listen(B, "old");
      listen(B, "new");
      old.close();
      a.send(B, say("hello"));
      await bench.settle();
      expect(seen).toEqual(["a to new: hello"]);
    });
  });
}
