/**
 * What a whole history says of each lease: who saw it alive, and what was put under it. A lease has one life; so what saw it alive
 * came before its end, and an end that nobody would have needed to come later may come at once. Without this, of many leases that
 * nothing hangs on any more, every order of their ends would have to be tried.
 *
 * It holds where nobody names a lease before its grant was answered: of others nothing is said here, and the search tries. The store
 * itself may end a lease before that, where the answer takes longer than the lease lives; but not before the grant.
 */
import type { LeaseId } from "../../../ports/control-store.ts";
import {
  type Commits,
  STORE,
  type StoreAnswer,
  type StoreCall,
  type StoreOperation,
  type StoreState,
} from "./store-model.ts";

interface Life {
  /** Undefined for what was there from the beginning. */
  grant: StoreOperation | undefined;
  /** When its grant returned; what was there from the beginning never was granted. */
  grantedAt: number;
  /** When a client first named it. */
  namedAt: number;
  /** Calls that found it alive. */
  readonly seen: StoreOperation[];
  /** The last revision that put something under it; infinite where nobody knows it. */
  lastPut: number;
}

export class LeaseLives {
  readonly #lives = new Map<LeaseId, Life>();

  /** @param init The state that the history began with. */
  constructor(history: readonly StoreOperation[], commits: Commits, init: StoreState) {
    for (const lease of init.leases) this.#lifeOf(lease).grantedAt = Number.NEGATIVE_INFINITY;
    for (const operation of history) this.#take(operation);
    const isComplete = knowsAll(history, commits, init);
    if (isComplete) for (const life of this.#lives.values()) life.lastPut = 0;
    for (const [revision, changes] of commits) {
      for (const change of changes) {
        if (change.kind !== "put" || change.entry.lease === undefined) continue;
        const life = this.#lifeOf(change.entry.lease);
        life.lastPut = Math.max(life.lastPut, revision);
      }
    }
  }

  /** What comes before this call may end a lease. */
  awaitedBy(call: StoreCall): readonly StoreOperation[] {
    if (call.kind !== "revoke" && call.kind !== "expire") return [];
    const life = this.#lives.get(call.lease);
    if (life === undefined || !isKnown(life)) return [];
    return life.grant === undefined ? life.seen : [life.grant, ...life.seen];
  }

  /** A lease does not end before the last was put under it. */
  allows(before: StoreState, after: StoreState, call: StoreCall): boolean {
    if (before === after || (call.kind !== "revoke" && call.kind !== "expire")) return true;
    const { lastPut } = this.#lives.get(call.lease)!;
    return lastPut === Number.POSITIVE_INFINITY || lastPut <= before.revision;
  }

  /** The state after a grant, or after the end of a lease when nothing hangs on it, nor ever will; undefined for all else. */
  stepAtOnce(state: StoreState, call: StoreCall, answer: StoreAnswer | undefined): StoreState | undefined {
    if (call.kind === "grant") {
      if (answer?.kind !== "lease" || !isKnown(this.#lives.get(answer.lease)!)) return undefined;
      return STORE.step(state, call, answer);
    }
    if (call.kind !== "revoke" && call.kind !== "expire") return undefined;
    const life = this.#lives.get(call.lease)!;
    if (!isKnown(life) || life.lastPut > state.revision) return undefined;
    const after = STORE.step(state, call, answer);
    return after?.revision === state.revision ? after : undefined;
  }

  #take(operation: StoreOperation): void {
    const { input, output, calledAt, returnedAt } = operation;
    switch (input.kind) {
      case "grant":
        if (output?.kind !== "lease") return;
        this.#lifeOf(output.lease).grantedAt = returnedAt;
        this.#lifeOf(output.lease).grant = operation;
        return;
      case "keepAlive": {
        const life = this.#named(input.lease, calledAt);
        if (output?.kind === "alive" && output.alive) life.seen.push(operation);
        return;
      }
      case "revoke":
        this.#named(input.lease, calledAt);
        return;
      case "expire":
        this.#lifeOf(input.lease);
        return;
      case "txn":
        for (const op of [...input.request.success, ...(input.request.failure ?? [])])
          if (op.kind === "put" && op.lease !== undefined)
            this.#named(op.lease, calledAt).lastPut = Number.POSITIVE_INFINITY;
    }
  }

  #named(lease: LeaseId, calledAt: number): Life {
    const life = this.#lifeOf(lease);
    life.namedAt = Math.min(life.namedAt, calledAt);
    return life;
  }

  #lifeOf(lease: LeaseId): Life {
    const found = this.#lives.get(lease);
    if (found !== undefined) return found;
    const life: Life = {
      grant: undefined,
      grantedAt: Number.POSITIVE_INFINITY,
      namedAt: Number.POSITIVE_INFINITY,
      seen: [],
      lastPut: 0,
    };
    this.#lives.set(lease, life);
    return life;
  }
}

const isKnown = ({ grantedAt, namedAt }: Life): boolean => grantedAt <= namedAt;

/** Whether it is known of each revision what it changed. */
function knowsAll(history: readonly StoreOperation[], commits: Commits, init: StoreState): boolean {
  let last = init.revision;
  for (const { output } of history)
    if (output !== undefined && "revision" in output) last = Math.max(last, output.revision);
  for (const revision of commits.keys()) last = Math.max(last, revision);
  for (let revision = init.revision + 1; revision <= last; revision++)
    if (!commits.has(revision)) return false;
  return (
    last > init.revision || history.every(({ input, output }) => input.kind !== "txn" || output !== undefined)
  );
}
