import type { Clock } from "../ports/clock.ts";
import type { ControlStore, LeaseId } from "../ports/control-store.ts";

/** The lease is renewed so many times within its own length. */
const RENEWALS_PER_TTL = 3;

/**
 * Keeps a lease alive, and says when it can no longer be relied on: counted on this machine's monotonic clock from
 * when the last successful renewal was *sent*. A lost lease is never granted again; whoever held it starts over.
 * It keeps others away; it is not what makes writes safe (the epoch is).
 */
export class DriverLease {
  readonly id: LeaseId;
  readonly #store: ControlStore;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #onLost: () => void;
  #validUntilMs: number;
  #cancelTimer: (() => void) | undefined;
  #ended = false;

  static async grant(
    store: ControlStore,
    clock: Clock,
    ttlMs: number,
    onLost: () => void,
  ): Promise<DriverLease> {
    const sentMs = clock.monotonicMs();
    const id = await store.grantLease(ttlMs);
    return new DriverLease(store, clock, ttlMs, onLost, id, sentMs);
  }

  private constructor(
    store: ControlStore,
    clock: Clock,
    ttlMs: number,
    onLost: () => void,
    id: LeaseId,
    sentMs: number,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#onLost = onLost;
    this.id = id;
    this.#validUntilMs = sentMs + ttlMs;
    this.#arm();
  }

  #arm(): void {
    this.#cancelTimer = this.#clock.setTimer(this.#ttlMs / RENEWALS_PER_TTL, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const sentMs = this.#clock.monotonicMs();
    if (sentMs >= this.#validUntilMs) return this.#lose();
    this.#arm();
    // A renewal that fails is tried again at the next turn, as long as the lease may still be alive.
    const alive = await this.#store.keepAlive(this.id).catch(() => undefined);
    if (this.#ended) return;
    if (alive === true) this.#validUntilMs = Math.max(this.#validUntilMs, sentMs + this.#ttlMs);
    if (alive === false) this.#lose();
  }

  #lose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer?.();
    this.#onLost();
  }

  /** Gives the lease back; never throws, as it would expire anyway. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#cancelTimer?.();
    await this.#store.revokeLease(this.id).catch(() => undefined);
  }
}
