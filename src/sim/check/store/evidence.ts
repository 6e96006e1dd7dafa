/**
 * What the answers of a whole history say about single revisions, so that the search for an order need not find it out
 * by trying: an entry that anybody saw was put at its own revision, with its own value, and stood until it was last
 * seen. Every order that gives these answers agrees with all of it, so a step that does not leads nowhere.
 *
 * What the store tells its watches, all of what it changed at each revision, is evidence as well: the answers must go with it,
 * and of the many transactions whose outcomes nobody knows it says which were done, and in what order.
 */
import type { Change, Entry } from "../../../ports/control-store.ts";
import type { LinearModel } from "../linear/linearizable.ts";
import { LeaseLives } from "./lease-lives.ts";
import {
  type Commits,
  STORE,
  type StoreAnswer,
  type StoreCall,
  type StoreOperation,
  type StoreState,
  sameEntry,
} from "./store-model.ts";

/**
 * The store's model, held to what is known of this history.
 * @param init The state that it began with.
 */
export function storeModelFor(
  history: readonly StoreOperation[],
  commits: Commits,
  init = STORE.init,
): LinearModel<StoreState, StoreCall, StoreAnswer> {
  const evidence = new Evidence(history, commits, init);
  const leases = new LeaseLives(history, commits, init);
  return {
    ...STORE,
    init,
    step: (state, call, answer) => {
      const next = STORE.step(state, call, answer);
      if (next === undefined || !leases.allows(state, next, call)) return undefined;
      if (next.revision === state.revision) return next;
      return evidence.allows(state, next) ? next : undefined;
    },
    // The end of a lease that had no entries: only a call that names the lease is told of it, and none goes better before it.
    isQuiet: (before, after) => before.revision === after.revision,
    awaits: ({ input }) => leases.awaitedBy(input),
    stepAtOnce: (state, call, answer) => leases.stepAtOnce(state, call, answer),
    isHopeless: (state, call, answer) => {
      if (answer.kind !== "entries" && answer.kind !== "txn") return false;
      // Nothing but a new revision could make this one right.
      return answer.revision === state.revision && STORE.isRead(call, answer);
    },
    age: {
      of: ({ revision }) => revision,
      atMost: (answer) => ("revision" in answer ? answer.revision : Number.POSITIVE_INFINITY),
    },
  };
}

interface Seen {
  readonly entry: Entry;
  /** The last revision at which anybody saw it. */
  last: number;
}

class Evidence {
  /** Entries that were seen, by the revision they were put at and by key. */
  readonly #putAt = new Map<number, Map<string, Seen>>();
  /** By key and value, where one call alone puts it: the revision at which it was seen to be put. */
  readonly #onlyPutAt = new Map<string, number>();

  readonly #commits: Commits;

  constructor(history: readonly StoreOperation[], commits: Commits, init: StoreState) {
    this.#commits = commits;
    const puts = countPuts(history, init);
    for (const { output } of history) {
      if (output?.kind !== "entries" && output?.kind !== "txn") continue;
      const entries = output.kind === "entries" ? output.entries : output.gets;
      for (const entry of entries) if (entry !== undefined) this.#see(entry, output.revision, puts);
    }
  }

  #see(entry: Entry, revision: number, puts: ReadonlyMap<string, number>): void {
    const { key, value, modRevision } = entry;
    const at = this.#putAt.get(modRevision) ?? new Map<string, Seen>();
    this.#putAt.set(modRevision, at);
    const before = at.get(key);
    const last = Math.max(revision, before?.last ?? 0);
    // Most of what is read was read before.
    if (before?.entry === entry) {
      before.last = last;
      return;
    }
    at.set(key, { entry, last });
    const put = putOf(key, value);
    if (puts.get(put) === 1) this.#onlyPutAt.set(put, modRevision);
  }

  /** Whether the change from one revision to the next is one that somebody may have seen the results of. */
  allows(before: StoreState, after: StoreState): boolean {
    const { revision, entries } = after;
    const changes = this.#commits.get(revision);
    if (changes !== undefined && !makes(before, after, changes)) return false;
    for (const [key, seen] of this.#putAt.get(revision) ?? []) {
      const entry = entries.get(key);
      if (entry?.modRevision !== revision || Buffer.compare(entry.value, seen.entry.value) !== 0)
        return false;
    }
    for (const [key, old] of before.entries) {
      const entry = entries.get(key);
      if (entry === old) continue;
      if ((this.#putAt.get(old.modRevision)?.get(key)?.last ?? 0) >= revision) return false;
    }
    for (const [key, entry] of entries) {
      if (entry.modRevision !== revision) continue;
      const only = this.#onlyPutAt.get(putOf(key, entry.value));
      if (only !== undefined && only !== revision) return false;
    }
    return true;
  }
}

/** Whether these are the changes from one revision to the next, and all of them. */
function makes(before: StoreState, { entries }: StoreState, changes: readonly Change[]): boolean {
  let size = before.entries.size;
  for (const change of changes) {
    if (change.kind === "delete") {
      if (!before.entries.has(change.key) || entries.has(change.key)) return false;
      size--;
    } else {
      const { key } = change.entry;
      if (!sameEntry(entries.get(key), change.entry)) return false;
      if (!before.entries.has(key)) size++;
    }
  }
  const put = [...entries.values()].filter((entry) => before.entries.get(entry.key) !== entry).length;
  return size === entries.size && put === changes.filter(({ kind }) => kind === "put").length;
}

const putOf = (key: string, value: Uint8Array): string => `${key}\n${Buffer.from(value).toString("latin1")}`;

function countPuts(history: readonly StoreOperation[], init: StoreState): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { key, value } of init.entries.values()) counts.set(putOf(key, value), 1);
  for (const { input } of history) {
    if (input.kind !== "txn") continue;
    for (const op of [...input.request.success, ...(input.request.failure ?? [])]) {
      if (op.kind !== "put") continue;
      const put = putOf(op.key, op.value);
      counts.set(put, (counts.get(put) ?? 0) + 1);
    }
  }
  return counts;
}
