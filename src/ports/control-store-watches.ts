/**
 * The watches of one client of an embedded store. Each is a place in the store's history, moved on by `deliver`:
 * order, completeness and "each once" follow from that, whoever wrote and however late one looks.
 */
import type { Change, Watch, WatchEvent, WatchRequest } from "./control-store.ts";
import { compareStoreKeys } from "./control-store-limits.ts";

/** The changes of one transaction. */
export interface Commit {
  readonly revision: number;
  readonly changes: readonly Change[];
}

export interface StoreHistory {
  /** The store's revision. */
  readonly revision: number;
  /** Changes before this one are gone. */
  readonly firstRevision: number;
  /** From this revision on, ascending, without gaps. */
  readonly commitsFrom: (revision: number) => Iterable<Commit>;
}

interface OpenWatch {
  readonly request: WatchRequest;
  readonly onEvent: (event: WatchEvent) => void;
  /** The first revision it has not seen. */
  next: number;
}

export class WatchSet {
  readonly #open = new Set<OpenWatch>();

  get size(): number {
    return this.#open.size;
  }

  /** @param next The first revision to deliver. */
  add(request: WatchRequest, next: number, onEvent: (event: WatchEvent) => void): Watch {
    const watch: OpenWatch = { request, onEvent, next };
    this.#open.add(watch);
    return { close: () => void this.#open.delete(watch) };
  }

  /** Brings every watch up to the history's end. Must not be called from a callback. */
  deliver(history: StoreHistory): void {
    for (const watch of [...this.#open]) this.#advance(watch, history);
  }

  /** Tells every watch why it ends. */
  fail(reason: string): void {
    const failed = [...this.#open];
    for (const watch of failed) {
      if (this.#open.delete(watch)) watch.onEvent({ kind: "failed", reason });
    }
  }

  closeAll(): void {
    this.#open.clear();
  }

  #advance(watch: OpenWatch, history: StoreHistory): void {
    if (watch.next > history.revision || !this.#open.has(watch)) return;
    if (watch.next < history.firstRevision) {
      this.#open.delete(watch);
      watch.onEvent({ kind: "compacted", compactRevision: history.firstRevision });
      return;
    }
    for (const { revision, changes } of history.commitsFrom(watch.next)) {
      watch.next = revision + 1;
      const seen = changes.filter((change) => isWatched(watch.request, change));
      if (seen.length > 0) watch.onEvent({ kind: "changes", revision, changes: seen });
      // Its own callback, or that of another watch, may have closed it.
      if (!this.#open.has(watch)) return;
    }
  }
}

function isWatched({ from, to }: WatchRequest, change: Change): boolean {
  const key = change.kind === "put" ? change.entry.key : change.key;
  return compareStoreKeys(from, key) <= 0 && compareStoreKeys(key, to) < 0;
}
