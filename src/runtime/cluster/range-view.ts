/**
 * What stands under a range of keys, kept up to date: listed once, then watched from the revision after.
 *
 * Watches are hints. Where one ends (compaction, an engine that went away) and every so often besides, the range is
 * listed again, and what the watch missed is told then. So a view may be late, and is never wrong for long; what must
 * be right is decided by a transaction.
 */
import type { ControlStore, Entry, Watch, WatchEvent } from "../../ports/control-store.ts";
import { pause, type RetryClock, untilAvailable } from "../retry.ts";

/** Between two lists of a watch that seems well. */
const RELIST_MS = 30_000;
/** Before the range is listed again after its watch failed. */
const FAILED_PAUSE_MS = 500;

export interface RangeViewOptions {
  readonly store: ControlStore;
  readonly timing: RetryClock;
  /** Keys in [from, to). */
  readonly from: string;
  readonly to: string;
  /** Called for each entry that came or changed, and with undefined for each that went; never from inside a call here. */
  readonly onChange: (key: string, entry: Entry | undefined) => void;
}

export class RangeView {
  readonly #options: RangeViewOptions;
  readonly #entries = new Map<string, Entry>();
  #watch: Watch | undefined;
  #cancelRelist: (() => void) | undefined;
  /** Of the latest list; what an older one began no longer counts. */
  #round = 0;
  #closed = false;

  constructor(options: RangeViewOptions) {
    this.#options = options;
  }

  /** In no particular order. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** Resolves when the range was listed for the first time. */
  async start(): Promise<void> {
    await this.#list();
  }

  async #list(): Promise<void> {
    const round = ++this.#round;
    this.#cancelRelist?.();
    const { store, timing, from, to } = this.#options;
    const listed = await untilAvailable(
      timing,
      () => store.range(from, to),
      () => this.#closed,
    ).catch((error: unknown) => {
      if (this.#closed) return undefined;
      throw error;
    });
    if (listed === undefined || this.#closed || round !== this.#round) return;
    this.#watch?.close();
    this.#take(listed.entries);
    const fromRevision = listed.revision + 1;
    this.#watch = store.watch({ from, to, fromRevision }, (event) => this.#onEvent(round, event));
    this.#cancelRelist = timing.clock.setTimer(RELIST_MS, () => this.#relist(0));
  }

  #relist(pauseMs: number): void {
    if (this.#closed) return;
    const { clock } = this.#options.timing;
    void pause(clock, pauseMs)
      .then(() => this.#list())
      // Whatever the store says that no retry mends: the view stays as it is, and asks again.
      .catch(() => this.#relist(RELIST_MS));
  }

  #onEvent(round: number, event: WatchEvent): void {
    if (this.#closed || round !== this.#round) return;
    if (event.kind !== "changes") return this.#relist(event.kind === "compacted" ? 0 : FAILED_PAUSE_MS);
    for (const change of event.changes) {
      if (change.kind === "put") this.#put(change.entry);
      else this.#drop(change.key);
    }
  }

  #take(entries: readonly Entry[]): void {
    const there = new Set(entries.map(({ key }) => key));
    for (const key of [...this.#entries.keys()]) if (!there.has(key)) this.#drop(key);
    for (const entry of entries) {
      if (!isSame(this.#entries.get(entry.key), entry)) this.#put(entry);
    }
  }

  #put(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    this.#options.onChange(entry.key, entry);
  }

  #drop(key: string): void {
    if (this.#entries.delete(key)) this.#options.onChange(key, undefined);
  }

  /** Tells of nothing more. */
  close(): void {
    this.#closed = true;
    this.#cancelRelist?.();
    this.#watch?.close();
  }
}

/** In a store that was set back revisions come again, with other values. */
function isSame(known: Entry | undefined, { modRevision, lease, value }: Entry): boolean {
  if (known?.modRevision !== modRevision || known.lease !== lease || known.value.length !== value.length)
    return false;
  return known.value.every((byte, index) => byte === value[index]);
}
