import { beforeEach, describe, expect, it } from "vitest";
import { epoch, jobId, type NodeId, nodeId } from "../../base/ids.ts";
import type { Message, Term, WorkerPoll } from "../../protocol/message.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import { Switchboard } from "./switchboard.ts";

const JOB = jobId("words-1");
const TERM: Term = { epoch: epoch(2), holder: "one 12" };
const [A, B, SELF] = ["a", "b", "self"].map(nodeId) as [NodeId, NodeId, NodeId];

const poll = (seq: number): WorkerPoll => ({
  kind: "poll",
  job: JOB,
  incarnation: "one",
  seq,
  slots: 1,
  ahead: 0,
  running: [],
  ended: [],
  terms: [],
});

describe("polls to a driver that has yet to begin", () => {
  let arrive: (from: NodeId, message: WireMessage) => void;
  let board: Switchboard;
  beforeEach(() => {
    board = new Switchboard({
      self: SELF,
      send: () => {},
      receive: (handler) => {
        arrive = handler;
      },
      close: () => {},
      listen: () => {},
      unlisten: () => {},
    });
  });

  /** What a driver that begins now hears: by whom and which poll, from then on. */
  function begin(): { readonly heard: (readonly [NodeId, number])[]; readonly close: () => void } {
    const heard: (readonly [NodeId, number])[] = [];
    const transport = board.driver(JOB, TERM);
    transport.receive((from: NodeId, message: Message) => {
      if (message.kind === "poll") heard.push([from, message.seq]);
    });
    return { heard, close: () => transport.close() };
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it("wait for it where it is expected, in their order, and come once", async () => {
    board.expectDriver(JOB);
    arrive(A, poll(0));
    arrive(B, poll(4));
    arrive(A, poll(1));
    const { heard } = begin();
    expect(heard).toEqual([]);
    await turn();
    expect(heard).toEqual([
      [A, 0],
      [A, 1],
      [B, 4],
    ]);
    arrive(B, poll(5));
    await turn();
    expect(heard.slice(3)).toEqual([[B, 5]]);
  });

  it("wait for the next one where one has closed", async () => {
    board.expectDriver(JOB);
    const first = begin();
    first.close();
    arrive(A, poll(7));
    const { heard } = begin();
    await turn();
    expect([first.heard, heard]).toEqual([[], [[A, 7]]]);
  });

  it("are kept for the job alone, and the last eight of each node", async () => {
    board.expectDriver(JOB);
    arrive(A, { ...poll(100), job: jobId("other-1") });
    for (let seq = 0; seq < 10; seq++) arrive(A, poll(seq));
    const { heard } = begin();
    await turn();
    expect(heard).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((seq) => [A, seq]));
  });

  it("are nobody's where none is expected, or no longer", async () => {
    arrive(A, poll(0));
    const expectsNoLonger = board.expectDriver(JOB);
    arrive(A, poll(1));
    expectsNoLonger();
    arrive(A, poll(2));
    const { heard } = begin();
    await turn();
    expect(heard).toEqual([]);
  });
});
