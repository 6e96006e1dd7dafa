/**
 * What each watch of a control store told, held against what the store did: every change of its range from its first revision on,
 * in order, each once, a transaction at a time. One that ends says so, and whoever has it lists the range again.
 *
 * Owns: how far each watch has told.
 */
import type { Change, WatchEvent, WatchRequest } from "../../../ports/control-store.ts";
import { compareStoreKeys } from "../../../ports/control-store-limits.ts";

/** What nobody was told after so long, or listed after a watch had ended, is forgotten. Virtual milliseconds. */
const FORGOTTEN_MS = 25_000;
/** Of one run. */
const PROBLEMS_MAX = 10;

/** Whoever watches; one that stands still can be told nothing. */
interface Client {
  readonly alive: boolean;
  readonly frozen: boolean;
}

interface OpenWatch {
  readonly request: WatchRequest;
  readonly client: Client;
  /** What the store has changed since it was last set back, as this watch began. */
  readonly commits: ReadonlyMap<number, readonly Change[]>;
  /** The first revision of which it has not told. */
  next: number;
  /** When it said that it ends. */
  endedMs: number | undefined;
}

export class WatchHistory {
  readonly problems: string[] = [];
  readonly #nowMs: () => number;
  #commits: ReadonlyMap<number, readonly Change[]>;
  readonly #open = new Set<OpenWatch>();
  /** When the store did what is in `#commits`. */
  #atMs = new Map<number, number>();

  /** @param commits What the store has changed at each revision, up to now. */
  constructor(nowMs: () => number, commits: ReadonlyMap<number, readonly Change[]>) {
    this.#nowMs = nowMs;
    this.#commits = commits;
  }

  /** The store was set back, and makes other changes from now on: whoever watched before is to hear that it is over. */
  restored(commits: ReadonlyMap<number, readonly Change[]>): void {
    this.#commits = commits;
    this.#atMs = new Map();
  }

  /** The store did this just now. */
  onCommit(revision: number): void {
    this.#atMs.set(revision, this.#nowMs());
  }

  /** Gives what is to be told of all that it tells. */
  watch(
    request: WatchRequest & { readonly fromRevision: number },
    client: Client,
  ): { readonly onEvent: (event: WatchEvent) => void; readonly close: () => void } {
    const watch: OpenWatch = {
      request,
      client,
      commits: this.#commits,
      next: request.fromRevision,
      endedMs: undefined,
    };
    this.#open.add(watch);
    return {
      onEvent: (event) => {
        if (this.#open.has(watch)) this.#onEvent(watch, event);
      },
      close: () => this.#open.delete(watch),
    };
  }

  /** Somebody lists a range; whoever has a watch of it that ended does what it should. */
  onList(from: string, to: string, client: Client): void {
    for (const watch of this.#open) {
      const { request, endedMs } = watch;
      const isOwn = watch.client === client && request.from === from && request.to === to;
      if (isOwn && endedMs !== undefined) this.#open.delete(watch);
    }
  }

  /** When no fault has stood for long: whoever is behind then has lost something. */
  lookForForgotten(): void {
    for (const watch of this.#open) {
      if (!watch.client.alive || watch.client.frozen) continue;
      const { from, to } = watch.request;
      if (watch.endedMs !== undefined) {
        if (this.#nowMs() - watch.endedMs < FORGOTTEN_MS) continue;
        this.#say(
          `a watch of ${from} to ${to} ended, and for ${FORGOTTEN_MS} ms nobody listed that range again`,
        );
        this.#open.delete(watch);
        continue;
      }
      const missed = this.#firstFrom(watch, Number.POSITIVE_INFINITY);
      if (missed === undefined || this.#nowMs() - (this.#atMs.get(missed) ?? 0) < FORGOTTEN_MS) continue;
      this.#say(`a watch of ${from} to ${to} has not told of revision ${missed} for ${FORGOTTEN_MS} ms`);
      this.#open.delete(watch);
    }
  }

  #onEvent(watch: OpenWatch, event: WatchEvent): void {
    const { from, to } = watch.request;
    const what = `a watch of ${from} to ${to}`;
    if (watch.endedMs !== undefined) return this.#say(`${what} told of ${event.kind} after its end`);
    if (event.kind !== "changes") {
      watch.endedMs = this.#nowMs();
      return;
    }
    const { revision, changes } = event;
    if (revision < watch.next)
      return this.#say(`${what} told of revision ${revision} twice, or out of order`);
    const missed = this.#firstFrom(watch, revision);
    if (missed !== undefined) this.#say(`${what} told of revision ${revision}, and never of ${missed}`);
    watch.next = revision + 1;
    if (textOf(changes) !== textOf(this.#changesOf(watch, revision)))
      this.#say(`${what} told of other changes at revision ${revision} than the store has made`);
  }

  /** The first revision that it has not told, before this one, with something in its range. */
  #firstFrom(watch: OpenWatch, before: number): number | undefined {
    const { commits } = watch;
    for (let revision = watch.next; revision < before && commits.has(revision); revision++)
      if (this.#changesOf(watch, revision).length > 0) return revision;
    return undefined;
  }

  #changesOf({ request, commits }: OpenWatch, revision: number): readonly Change[] {
    return (commits.get(revision) ?? []).filter((change) => {
      const key = change.kind === "put" ? change.entry.key : change.key;
      return compareStoreKeys(request.from, key) <= 0 && compareStoreKeys(key, request.to) < 0;
    });
  }

  #say(problem: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push(`S10: ${problem}`);
  }
}

const textOf = (changes: readonly Change[]): string =>
  JSON.stringify(changes, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value,
  );
