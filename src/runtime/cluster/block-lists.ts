/**
 * The two ends of orders whose lists of blocks go by name: the driver's, which names them, and the worker's, which
 * keeps what it was sent. See protocol/wire.ts.
 */
import { assert } from "../../base/assert.ts";
import { hashKey } from "../../base/hash.ts";
import type { JobId, NodeId } from "../../base/ids.ts";
import type { BlockRef, ProducerBlocks, TaskAssignment } from "../../plan/task.ts";
import type { DriverOrders, Term } from "../../protocol/message.ts";
import type {
  BlockLists,
  ListedAssignment,
  ListedBlocks,
  ListedOrders,
  ListName,
  ListsGiven,
  ListsWanted,
} from "../../protocol/wire.ts";

/**
 * Lists the driver can still be asked for. A list changes only when a block of it is lost, and nobody needs the
 * older one then.
 */
const LISTS_KEPT_MAX = 256;
/** Orders that wait for lists, of one job. Beyond it the oldest go: the driver says them again. */
const WAITING_MAX = 64;

/** The driver's end, of one epoch. */
export class SentLists {
  readonly #prefix: string;
  readonly #job: JobId;
  readonly #names = new WeakMap<readonly BlockRef[], ListName>();
  readonly #lists = new Map<ListName, readonly BlockRef[]>();
  /** What each worker was sent, by its node and incarnation. */
  readonly #sent = new Map<NodeId, { readonly incarnation: string; readonly names: Set<ListName> }>();
  #count = 0;

  constructor(job: JobId, { epoch, holder }: Term) {
    this.#job = job;
    // In a store that was set back an epoch's number comes again.
    this.#prefix = `${epoch}.${(hashKey(holder) >>> 0).toString(36)}`;
  }

  /** With lists in place of blocks; those that this worker was not sent before come with it. */
  list(to: NodeId, orders: DriverOrders): ListedOrders {
    const names = new Set<ListName>();
    const start = orders.start.map((assignment) => this.#listAssignment(assignment, names));
    const sent = this.#sentTo(to, orders.incarnation);
    const lists: Record<ListName, readonly BlockRef[]> = {};
    for (const name of names) {
      if (sent.has(name)) continue;
      sent.add(name);
      lists[name] = this.#lists.get(name)!;
    }
    return { ...orders, start, lists };
  }

  give({ names }: ListsWanted): ListsGiven {
    const lists: Record<ListName, readonly BlockRef[]> = {};
    for (const name of names) {
      const list = this.#lists.get(name);
      if (list !== undefined) lists[name] = list;
    }
    return { kind: "listsGiven", job: this.#job, lists };
  }

  #sentTo(to: NodeId, incarnation: string): Set<ListName> {
    const known = this.#sent.get(to);
    if (known?.incarnation === incarnation) return known.names;
    const names = new Set<ListName>();
    this.#sent.set(to, { incarnation, names });
    return names;
  }

  #listAssignment(assignment: TaskAssignment, names: Set<ListName>): ListedAssignment {
    const listed = ({ stage, sink, blocks }: ProducerBlocks): ListedBlocks => {
      const list = this.#nameOf(blocks);
      names.add(list);
      return { stage, sink, list };
    };
    const { input } = assignment;
    return {
      ...assignment,
      input:
        input.kind === "split"
          ? input
          : { kind: "blocks", sides: input.sides.map((side) => side.map(listed)) },
      broadcasts: assignment.broadcasts.map((producers) => producers.map(listed)),
    };
  }

  /** The driver's state hands out the same array as long as nothing in it changes. */
  #nameOf(blocks: readonly BlockRef[]): ListName {
    let name = this.#names.get(blocks);
    if (name !== undefined && this.#lists.has(name)) return name;
    name = `${this.#prefix}.${this.#count++}`;
    this.#names.set(blocks, name);
    this.#lists.set(name, blocks);
    if (this.#lists.size > LISTS_KEPT_MAX) this.#lists.delete(this.#lists.keys().next().value!);
    return name;
  }
}

/** The worker's end, of one job. */
export class KnownLists {
  readonly #job: JobId;
  readonly #lists = new Map<ListName, readonly BlockRef[]>();
  #waiting: ListedOrders[] = [];

  constructor(job: JobId) {
    this.#job = job;
  }

  /** The orders as they were meant; or, where lists are missing, what to ask for. They are kept until those come. */
  onOrders(orders: ListedOrders): DriverOrders | ListsWanted {
    this.#learn(orders.lists);
    const missing = this.#missing(orders);
    if (missing.length === 0) return this.#resolve(orders);
    this.#waiting.push(orders);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    return { kind: "listsWanted", job: this.#job, names: missing };
  }

  /** Orders that waited for these. Those that still miss one are dropped: the driver says them again. */
  onLists({ lists }: ListsGiven): readonly DriverOrders[] {
    this.#learn(lists);
    const ready = this.#waiting.filter((orders) => this.#missing(orders).length === 0);
    this.#waiting = [];
    return ready.map((orders) => this.#resolve(orders));
  }

  #learn(lists: BlockLists): void {
    for (const [name, list] of Object.entries(lists)) {
      // As with the driver, what was used last is kept.
      this.#lists.delete(name);
      this.#lists.set(name, list);
      if (this.#lists.size > LISTS_KEPT_MAX) this.#lists.delete(this.#lists.keys().next().value!);
    }
  }

  #missing({ start }: ListedOrders): readonly ListName[] {
    const names = new Set<ListName>();
    for (const assignment of start) {
      for (const { list } of listedIn(assignment)) if (!this.#lists.has(list)) names.add(list);
    }
    return [...names];
  }

  #resolve({ lists: _, ...orders }: ListedOrders): DriverOrders {
    const blocksOf = ({ stage, sink, list }: ListedBlocks): ProducerBlocks => {
      const blocks = this.#lists.get(list);
      assert(blocks !== undefined, "orders are resolved when every list is there");
      return { stage, sink, blocks };
    };
    const start = orders.start.map((assignment): TaskAssignment => {
      const { input } = assignment;
      return {
        ...assignment,
        input:
          input.kind === "split"
            ? input
            : { kind: "blocks", sides: input.sides.map((side) => side.map(blocksOf)) },
        broadcasts: assignment.broadcasts.map((producers) => producers.map(blocksOf)),
      };
    });
    return { ...orders, start };
  }
}

function* listedIn({ input, broadcasts }: ListedAssignment): Generator<ListedBlocks> {
  if (input.kind === "blocks") for (const side of input.sides) yield* side;
  for (const producers of broadcasts) yield* producers;
}
