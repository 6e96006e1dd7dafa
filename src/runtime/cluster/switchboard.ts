/**
 * One node's messages, by job: polls go to the job's driver here, orders to its worker here. Lists of blocks go by
 * name, and are the driver's and the worker's again on this side of it.
 *
 * Other nodes may see that this one drives a job before it knows so itself, by the answer to its own write. What they say
 * then waits for the driver: a worker says at once what it runs, and again only with its next heartbeat, for which a driver
 * that takes over does not wait.
 */
import { unreachable } from "../../base/assert.ts";
import type { JobId, NodeId } from "../../base/ids.ts";
import type { Transport } from "../../ports/transport.ts";
import type { Message, Term, WorkerPoll } from "../../protocol/message.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import { KnownLists, SentLists } from "./block-lists.ts";

/** How this node speaks to others. */
export interface Links extends Transport<WireMessage> {
  /** Keeps a way open by which that node can send something here, even where it could not by itself. */
  listen(to: NodeId): void;
  unlisten(to: NodeId): void;
}

/** Of one node's polls that wait for a driver: each later one says more of what counts. */
const EARLY_POLLS_MAX = 8;

interface Seat<Lists> {
  readonly lists: Lists;
  handler: ((from: NodeId, message: Message) => void) | undefined;
}

export class Switchboard {
  readonly #links: Links;
  readonly #drivers = new Map<JobId, Seat<SentLists>>();
  readonly #workers = new Map<JobId, Seat<KnownLists>>();
  readonly #early = new Map<JobId, Map<NodeId, WorkerPoll[]>>();

  constructor(links: Links) {
    this.#links = links;
    links.receive((from, message) => this.#onMessage(from, message));
  }

  /**
   * This node is about to drive the job: while it does not, what its driver is told waits for the next `driver`. Until the
   * function that this gives is called.
   */
  expectDriver(job: JobId): () => void {
    const early = new Map<NodeId, WorkerPoll[]>();
    this.#early.set(job, early);
    return () => {
      if (this.#early.get(job) === early) this.#early.delete(job);
    };
  }

  /** For the job's driver; one at a time, the latest. */
  driver(job: JobId, term: Term): Transport<Message> {
    const lists = new SentLists(job, term);
    const transport = this.#seat(job, this.#drivers, lists, (to, message) => {
      if (message.kind === "orders") this.#links.send(to, lists.list(to, message));
    });
    const receive: Transport<Message>["receive"] = (handler) => {
      transport.receive(handler);
      // Once the driver has begun.
      queueMicrotask(() => this.#giveEarly(job));
    };
    return { ...transport, receive };
  }

  /** For the job's worker; one at a time, the latest. */
  worker(job: JobId): Transport<Message> {
    return this.#seat(job, this.#workers, new KnownLists(job), (to, message) => {
      if (message.kind === "poll") this.#links.send(to, message);
    });
  }

  #seat<Lists>(
    job: JobId,
    seats: Map<JobId, Seat<Lists>>,
    lists: Lists,
    send: (to: NodeId, message: Message) => void,
  ): Transport<Message> {
    const seat: Seat<Lists> = { lists, handler: undefined };
    seats.set(job, seat);
    const open = (): boolean => seats.get(job) === seat;
    return {
      self: this.#links.self,
      send: (to, message) => {
        if (open()) send(to, message);
      },
      receive: (handler) => {
        seat.handler = handler;
      },
      close: () => {
        if (open()) seats.delete(job);
      },
    };
  }

  #onPoll(from: NodeId, poll: WorkerPoll): void {
    const handler = this.#drivers.get(poll.job)?.handler;
    if (handler !== undefined) return handler(from, poll);
    const early = this.#early.get(poll.job);
    if (early === undefined) return;
    const polls = early.get(from) ?? [];
    early.set(from, polls);
    polls.push(poll);
    if (polls.length > EARLY_POLLS_MAX) polls.shift();
  }

  #giveEarly(job: JobId): void {
    const early = [...(this.#early.get(job) ?? [])];
    this.#early.get(job)?.clear();
    for (const [from, polls] of early) for (const poll of polls) this.#onPoll(from, poll);
  }

  #onMessage(from: NodeId, message: WireMessage): void {
    const driver = this.#drivers.get(message.job);
    const worker = this.#workers.get(message.job);
    switch (message.kind) {
      case "poll":
        return this.#onPoll(from, message);
      case "listsWanted":
        if (driver !== undefined) this.#links.send(from, driver.lists.give(message));
        return;
      case "orders": {
        if (worker === undefined) return;
        const orders = worker.lists.onOrders(message);
        if (orders.kind === "orders") worker.handler?.(from, orders);
        else this.#links.send(from, orders);
        return;
      }
      case "listsGiven":
        for (const orders of worker?.lists.onLists(message) ?? []) worker?.handler?.(from, orders);
        return;
      default:
        unreachable(message);
    }
  }
}
