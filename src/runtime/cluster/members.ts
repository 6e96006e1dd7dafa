/**
 * Who belongs to the cluster now: this node's own card, kept under a lease, and a view of everybody's.
 *
 * A node whose lease ends, because it slept or was cut off, is gone to the others; when it comes back it registers
 * again. Its card may have been written last by a request that was long under way, under a lease that ends: a node that sees its
 * own card go, or hang on another lease than its own, writes it once more. Nothing hangs on this being exact: it says whom to ask, not who is right.
 */
import { BicoastalError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { type ControlStore, type Entry, type LeaseId, prefixEnd } from "../../ports/control-store.ts";
import { encodeJson } from "../../protocol/codec.ts";
import { DriverLease } from "../driver-lease.ts";
import { pause, type RetryClock, untilAvailable } from "../retry.ts";
import { NODE_PREFIX, nodeKey } from "./cluster-keys.ts";
import { decodeNodeCard, type NodeCard, type NodeState } from "./node-card.ts";
import { RangeView } from "./range-view.ts";

export interface MembersOptions {
  readonly store: ControlStore;
  readonly timing: RetryClock;
  /** Of this node; undefined for one that only looks. */
  readonly self: NodeCard | undefined;
  /** How long others wait for a node that fell silent. */
  readonly leaseMs: number;
  /** Called when a node came, changed or went. */
  readonly onChange: (node: NodeId, card: NodeCard | undefined) => void;
  /** Called when somebody else has put a card under this node's name. Default: nobody is told. */
  readonly onNamesake?: (card: NodeCard) => void;
}

const REGISTER_PAUSE_MS = 500;

export class Members {
  readonly #options: MembersOptions;
  readonly #cards = new Map<NodeId, NodeCard>();
  readonly #view: RangeView;
  #self: NodeCard | undefined;
  #lease: DriverLease | undefined;
  /** Of the latest lease asked for: who holds one before it, as a slow store held it up, does nothing more. */
  #round = 0;
  /** What this node's card hangs on, as the view has it; undefined where there is none. */
  #seenUnder: LeaseId | undefined;
  #closed = false;

  constructor(options: MembersOptions) {
    this.#options = options;
    this.#self = options.self;
    const { store, timing } = options;
    this.#view = new RangeView({
      store,
      timing,
      from: NODE_PREFIX,
      to: prefixEnd(NODE_PREFIX),
      onChange: (key, entry) => {
        const node = key.slice(NODE_PREFIX.length) as NodeId;
        const card = entry === undefined ? undefined : decodeNodeCard(entry);
        if (card === undefined) this.#cards.delete(node);
        else this.#cards.set(node, card);
        if (node === this.#self?.node) this.#onSelf(entry, card);
        options.onChange(node, card);
      },
    });
  }

  /** Resolves when this node is registered and the others are known. */
  async start(): Promise<void> {
    await this.#register();
    await this.#view.start();
    // A card that went before the view was there is not seen to go.
    if (this.#seenUnder === undefined) this.#mend();
  }

  get(node: NodeId): NodeCard | undefined {
    return this.#cards.get(node);
  }

  /** By name, ascending. */
  all(): readonly NodeCard[] {
    return [...this.#cards.values()].sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  /** Tells the others what to expect of this node. */
  async become(state: NodeState): Promise<void> {
    if (this.#self === undefined) return;
    this.#self = { ...this.#self, state };
    await this.#put();
  }

  #onSelf(entry: Entry | undefined, card: NodeCard | undefined): void {
    this.#seenUnder = entry?.lease;
    // One of this name that was started later is right to have its own.
    if (card === undefined || card.incarnation === this.#self?.incarnation) this.#mend();
    else this.#options.onNamesake?.(card);
  }

  /** Has the card hang on the lease that is kept alive, if in a moment it still does not. */
  #mend(): void {
    const isWell = (): boolean => this.#closed || this.#seenUnder === this.#lease?.id;
    if (isWell()) return;
    void pause(this.#options.timing.clock, REGISTER_PAUSE_MS)
      .then(() => (isWell() ? true : this.#put()))
      .catch(() => this.#mend());
  }

  async #register(): Promise<void> {
    const { store, timing, leaseMs } = this.#options;
    while (this.#self !== undefined && !this.#closed) {
      const round = ++this.#round;
      const lease = await untilAvailable(
        timing,
        () => DriverLease.grant(store, timing.clock, leaseMs, () => this.#again(round)),
        () => this.#closed,
      );
      // One that nothing hangs on would be kept alive for as long as this process lives.
      if (this.#closed || round !== this.#round) return void lease.end();
      this.#lease = lease;
      let isRegistered = false;
      try {
        isRegistered = await this.#put();
      } finally {
        if (!isRegistered) void lease.end();
      }
      if (isRegistered || round !== this.#round) return;
    }
  }

  /** The lease of this round was lost. Whoever was storing the card under it may have taken another one meanwhile. */
  #again(round: number): void {
    if (this.#closed) return;
    void pause(this.#options.timing.clock, REGISTER_PAUSE_MS)
      .then(() => (round === this.#round ? this.#register() : undefined))
      .catch(() => this.#again(this.#round));
  }

  /** False where the lease has ended. */
  async #put(): Promise<boolean> {
    const card = this.#self;
    const lease = this.#lease;
    if (card === undefined || lease === undefined) return false;
    const { store, timing } = this.#options;
    const put = { kind: "put", key: nodeKey(card.node), value: encodeJson(card), lease: lease.id } as const;
    // The same card, however often it is written.
    try {
      await untilAvailable(
        timing,
        () => store.txn({ compare: [], success: [put] }),
        () => this.#closed || lease !== this.#lease,
      );
      return lease === this.#lease;
    } catch (error) {
      // Another one took its place, and the card is to hang on that.
      if (lease !== this.#lease && !this.#closed) return false;
      if (error instanceof BicoastalError && error.code === "LEASE_GONE") return false;
      throw error;
    }
  }

  /** Leaves the cluster. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#view.close();
    await this.#lease?.end();
  }
}
