/**
 * One watch, over however many streams it takes: whatever ends a stream, the next one, at another member where need
 * be, begins at the first revision that was not told.
 *
 * 1. Every revision is told once, in order. What etcd sends again, or sends that lies before, is passed over: members
 *    that have just come back are known to do so.
 * 2. The changes of one revision come in one callback. etcd does not spread them over several replies unless asked to.
 * 3. The watch ends by itself in two cases only: its revisions are gone, or etcd refuses it again and again.
 */
import type { Change, Watch, WatchEvent, WatchRequest } from "../../ports/control-store.ts";
import { compareStoreKeys } from "../../ports/control-store-limits.ts";
import { type EtcdClient, pause } from "./client.ts";
import { kindOf, textOf } from "./errors.ts";
import { type Event, type WatchResponse, Watch as WatchService } from "./etcd-messages.ts";
import type { KeySpace } from "./keys.ts";
import { malformed, revisionIn, revisionOf } from "./malformed.ts";

/** One after another. A token may be of another time, which etcd does not always tell from a lack of permission. */
const REFUSALS_MAX = 3;
/** etcd's kinds of events. */
const PUT = 0;
const DELETE = 1;
const PAUSE_MS_MIN = 25;
const PAUSE_MS_MAX = 1_000;

export interface EtcdWatchOptions {
  readonly client: EtcdClient;
  readonly keys: KeySpace;
  readonly request: WatchRequest;
  /** Where the request names no revision: the one after the newest that the client has just seen, if it has. */
  readonly nowRevision: number | undefined;
  readonly onEvent: (event: WatchEvent) => void;
  /** Called once, however it ends. */
  readonly onEnd: (watch: Watch) => void;
}

export class EtcdWatch implements Watch {
  readonly #options: EtcdWatchOptions;
  readonly #abort = new AbortController();
  /** The first revision not told yet; undefined: from when etcd hears of it. */
  #next: number | undefined;
  /** Whether the caller named a revision, or has been told one. */
  #isBound: boolean;
  #refusals = 0;
  #pauseMs = PAUSE_MS_MIN;

  constructor(options: EtcdWatchOptions) {
    this.#options = options;
    const { fromRevision } = options.request;
    this.#next = fromRevision ?? options.nowRevision;
    this.#isBound = fromRevision !== undefined;
    // etcd refuses a range without keys. Nothing ever happens there.
    if (compareStoreKeys(options.request.from, options.request.to) < 0) void this.#run();
  }

  close(): void {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#options.onEnd(this);
  }

  get #isOpen(): boolean {
    return !this.#abort.signal.aborted;
  }

  async #run(): Promise<void> {
    const { client, keys, request } = this.#options;
    const [key, rangeEnd] = [keys.bytesOf(request.from), keys.bytesOf(request.to)];
    while (this.#isOpen) {
      // As long as a stream stands: a reply that ends it leaves the watch open.
      const stream = new AbortController();
      const signal = AbortSignal.any([stream.signal, this.#abort.signal]);
      const startRevision = BigInt(this.#next ?? 0);
      const create = { key, rangeEnd, startRevision };
      const failure = await client.follow(
        WatchService.method.watch,
        { requestUnion: { case: "createRequest", value: create } },
        (reply) => this.#onReply(reply, () => stream.abort()),
        signal,
      );
      const kind = kindOf(failure);
      if (kind !== undefined && kind !== "lost" && kind !== "unserved") this.#onRefusal(textOf(failure));
      if (!this.#isOpen) return;
      await pause(client.clock, this.#pauseMs, this.#abort.signal);
      this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MS_MAX);
    }
  }

  #onReply(reply: WatchResponse, endStream: () => void): void {
    if (reply.canceled) {
      endStream();
      this.#onCancelled(reply);
      return;
    }
    // All of it, before anything is told: what makes no sense comes again on another stream.
    const told = byRevision(reply.events).map((events) => this.#changesOf(events));
    if (reply.created) this.#next ??= revisionIn(reply.header) + 1;
    this.#refusals = 0;
    this.#pauseMs = PAUSE_MS_MIN;
    for (const changes of told) {
      if (!this.#isOpen) return;
      this.#tellChanges(changes);
    }
  }

  #onCancelled({ compactRevision, cancelReason }: WatchResponse): void {
    if (compactRevision === 0n) this.#onRefusal(cancelReason);
    else if (this.#isBound)
      this.#tellLast({ kind: "compacted", compactRevision: revisionOf(compactRevision) });
    // It was to begin about now, and nothing has been told: it still can.
    else this.#next = undefined;
  }

  #onRefusal(reason: string): void {
    this.#options.client.forgetToken();
    if (++this.#refusals < REFUSALS_MAX) return;
    const { endpoints } = this.#options.client;
    const where = `The store on etcd (${endpoints.join(", ")})`;
    this.#tellLast({ kind: "failed", reason: `${where} refuses a watch: ${reason || "no reason is given"}` });
  }

  #tellChanges(event: WatchEvent & { readonly kind: "changes" }): void {
    if (this.#next !== undefined && event.revision < this.#next) return;
    this.#next = event.revision + 1;
    this.#isBound = true;
    this.#tell(event);
  }

  /** Throws what `malformed` makes. */
  #changesOf(events: readonly Event[]): WatchEvent & { readonly kind: "changes" } {
    const revision = revisionOf(events[0]?.kv?.modRevision);
    return { kind: "changes", revision, changes: events.map((event) => this.#changeOf(event)) };
  }

  #changeOf({ type, kv }: Event): Change {
    const { keys, request } = this.#options;
    if (kv === undefined || (type !== PUT && type !== DELETE)) throw malformed("a change of no known kind");
    const key = keys.keyOf(kv.key);
    if (compareStoreKeys(key, request.from) < 0 || compareStoreKeys(key, request.to) >= 0)
      throw malformed("a change of a key that is not watched");
    return type === DELETE
      ? { kind: "delete", key, modRevision: revisionOf(kv.modRevision) }
      : { kind: "put", entry: keys.entryOf(kv) };
  }

  #tellLast(event: WatchEvent): void {
    this.close();
    this.#tell(event);
  }

  #tell(event: WatchEvent): void {
    try {
      this.#options.onEvent(event);
    } catch (error) {
      // The caller's bug must come to light, and must not end the stream that others' bugs are told on.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

/** In the order they came. */
function byRevision(events: readonly Event[]): readonly (readonly Event[])[] {
  const groups: Event[][] = [];
  let revision: bigint | undefined;
  for (const event of events) {
    const group = event.kv?.modRevision === revision ? groups.at(-1) : undefined;
    if (group === undefined) groups.push([event]);
    else group.push(event);
    revision = event.kv?.modRevision;
  }
  return groups;
}
