/**
 * Messages between nodes over HTTP: one link for each pair of nodes, for the messages of all jobs.
 *
 * What is sent to a peer waits in its outbox, and leaves in a batch: as the answer to a request of the peer's that is
 * parked here, else in a request to the peer's address, one at a time. So a node that nobody can connect to is reached as
 * long as it listens. A batch is taken out of the outbox before it leaves and never put back: a message arrives once or
 * not at all, and not in order.
 *
 * Every wait ends by itself: a parked request after its time, one under way by the client's own limits. A peer that is
 * frozen costs its own messages and nobody else's.
 */
import { randomInt } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { BicoastalError } from "../../base/errors.ts";
import { type NodeId, nodeId } from "../../base/ids.ts";
import type { Transport } from "../../ports/transport.ts";
import { BATCH_BYTES_MAX, type MessageCodec, Outbox } from "./outbox.ts";
import { ParkedPolls } from "./parked-polls.ts";
import type { PeerClient } from "./peer-client.ts";
import { INCARNATION_HEADER, NODE_HEADER, TO_HEADER } from "./peer-headers.ts";
import { wholeBody } from "./request-body.ts";
import { answer, type Route, type RouteRequest } from "./route.ts";
import { tlsReasonOf } from "./tls-reasons.ts";

export interface PeerLinksOptions<Message> {
  readonly self: NodeId;
  /** Names this process among those that have, had and will have this node's name. */
  readonly incarnation: string;
  /** Where a node answers, as `host:port`; undefined where nobody knows, or where it cannot be connected to. */
  readonly addressOf: (node: NodeId) => string | undefined;
  readonly codec: MessageCodec<Message>;
  readonly client: PeerClient;
  /** Told of what was lost, for logs. Default: nobody. */
  readonly onTrouble?: (trouble: LinkTrouble) => void;
  /** Default 20 000, and at most that: how long a request of `listen` waits for messages. */
  readonly pollMs?: number;
}

/** A batch that did not arrive as far as is known, or messages that had no room. */
export type LinkTrouble =
  | { readonly kind: "unreachable"; readonly node: NodeId; readonly reason: string }
  | { readonly kind: "refused"; readonly node: NodeId; readonly status: number }
  | { readonly kind: "dropped"; readonly node: NodeId; readonly messages: number };

export interface PeerLinks<Message> extends Transport<Message> {
  /** What this node's server answers. */
  readonly route: Route;
  /** Whether something leaves just now. */
  readonly busy: boolean;
  /** Whether a message to this node would leave at once. */
  reaches(node: NodeId): boolean;
  /** Keeps a request parked at that node, for what it sends here; asks again and again while it is away. */
  listen(to: NodeId): void;
  unlisten(to: NodeId): void;
}

const WAIT_MS_MAX = 20_000;
/** How much longer than it asked to wait a request waits for its answer. */
const ANSWER_SPARE_MS = 5000;
const ANSWER_MS = 5000;
/** As for the store: from one failure to the next the pause doubles, and any part of it is waited. */
const PAUSE_MS_FIRST = 20;
const PAUSE_MS_MAX = 2000;
/** Peers with an outbox: of those that were not heard of for longest, messages are dropped. */
const PEERS_MAX = 4096;

const NAME = /^[A-Za-z0-9._-]{1,200}$/;
const WAIT = /^\d{1,5}$/;

/** "nothing": not even the answer that there is none. */
type Exchanged = "messages" | "empty" | "nothing";

interface Peer<Message> {
  readonly outbox: Outbox<Message>;
  readonly polls: ParkedPolls;
  posting: boolean;
}

export function createPeerLinks<Message>(options: PeerLinksOptions<Message>): PeerLinks<Message> {
  return new HttpLinks(options);
}

class HttpLinks<Message> implements PeerLinks<Message> {
  readonly self: NodeId;
  readonly route: Route;
  readonly #options: PeerLinksOptions<Message>;
  readonly #peers = new Map<NodeId, Peer<Message>>();
  readonly #listening = new Map<NodeId, AbortController>();
  readonly #requests = new AbortController();
  readonly #due = new Set<NodeId>();
  #handler: ((from: NodeId, message: Message) => void) | undefined;

  constructor(options: PeerLinksOptions<Message>) {
    this.self = options.self;
    this.#options = options;
    // One listener for each request under way: their number is that of the peers, and says nothing of a leak.
    setMaxListeners(0, this.#requests.signal);
    this.route = {
      name: "messages",
      methods: ["POST"],
      bodyBytesMax: BATCH_BYTES_MAX,
      handle: (request) => this.#onRequest(request),
      close: () => {
        for (const { polls } of this.#peers.values()) polls.close();
      },
    };
  }

  get busy(): boolean {
    return this.#due.size > 0 || [...this.#peers.values()].some(({ posting }) => posting);
  }

  reaches(node: NodeId): boolean {
    if (node === this.self) return true;
    return this.#peers.get(node)?.polls.isEmpty === false || this.#options.addressOf(node) !== undefined;
  }

  send(to: NodeId, message: Message): void {
    if (this.#closed) return;
    if (to === this.self) {
      setImmediate(() => this.#deliver(to, [message]));
      return;
    }
    this.#peer(to).outbox.push(message);
    // What is sent in one turn leaves together.
    if (this.#due.size === 0) setImmediate(() => this.#flushDue());
    this.#due.add(to);
  }

  receive(handler: (from: NodeId, message: Message) => void): void {
    this.#handler = handler;
  }

  listen(to: NodeId): void {
    if (this.#closed || to === this.self || this.#listening.has(to)) return;
    const ended = new AbortController();
    this.#listening.set(to, ended);
    void this.#poll(to, ended.signal);
  }

  unlisten(to: NodeId): void {
    this.#listening.get(to)?.abort();
    this.#listening.delete(to);
  }

  close(): void {
    if (this.#closed) return;
    this.#requests.abort();
    for (const to of [...this.#listening.keys()]) this.unlisten(to);
    this.route.close?.();
    this.#peers.clear();
  }

  get #closed(): boolean {
    return this.#requests.signal.aborted;
  }

  #peer(node: NodeId): Peer<Message> {
    let peer = this.#peers.get(node);
    if (peer === undefined) {
      const { codec, onTrouble } = this.#options;
      const onDropped = (messages: number): void => onTrouble?.({ kind: "dropped", node, messages });
      peer = { outbox: new Outbox(codec, onDropped), polls: new ParkedPolls(), posting: false };
      this.#peers.set(node, peer);
      if (this.#peers.size > PEERS_MAX) this.#forgetOne();
    }
    return peer;
  }

  /** Of those that nothing is under way with, the one known longest. */
  #forgetOne(): void {
    for (const [node, { posting, polls }] of this.#peers) {
      if (posting || !polls.isEmpty) continue;
      this.#peers.delete(node);
      return;
    }
  }

  #flushDue(): void {
    const due = [...this.#due];
    this.#due.clear();
    for (const node of due) this.#flush(node);
  }

  #flush(node: NodeId): void {
    const peer = this.#peers.get(node);
    if (peer === undefined || this.#closed) return;
    while (!peer.outbox.isEmpty) {
      const parked = peer.polls.take();
      if (parked !== undefined) {
        answerBatch(parked, peer.outbox.take());
        continue;
      }
      const address = this.#options.addressOf(node);
      if (peer.posting || address === undefined) return;
      const batch = peer.outbox.take();
      if (batch === undefined) return;
      peer.posting = true;
      void this.#post(node, address, batch).finally(() => {
        peer.posting = false;
        this.#flush(node);
      });
    }
    if (peer.polls.isEmpty && !peer.posting) this.#peers.delete(node);
  }

  async #post(node: NodeId, address: string, batch: Uint8Array): Promise<void> {
    await this.#exchange(node, address, batch, 0, this.#requests.signal);
  }

  /** For as long as it is listened to. */
  async #poll(node: NodeId, ended: AbortSignal): Promise<void> {
    const waitMs = Math.min(this.#options.pollMs ?? WAIT_MS_MAX, WAIT_MS_MAX);
    let ceilingMs = PAUSE_MS_FIRST;
    while (!ended.aborted) {
      const address = this.#options.addressOf(node);
      const startedMs = performance.now();
      let got: Exchanged = "nothing";
      if (address !== undefined) {
        const batch = this.#peers.get(node)?.outbox.take() ?? new Uint8Array(0);
        got = await this.#exchange(node, address, batch, waitMs, ended);
      }
      // What is empty long before its time was superseded: by whom, and for how long, is not known.
      const isEarly = performance.now() - startedMs < Math.min(PAUSE_MS_FIRST, waitMs);
      if (got === "messages" || (got === "empty" && !isEarly)) ceilingMs = PAUSE_MS_FIRST;
      else {
        await pause(randomInt(ceilingMs + 1), ended);
        ceilingMs = Math.min(ceilingMs * 2, PAUSE_MS_MAX);
      }
    }
  }

  /** Gives a batch and takes one. */
  async #exchange(
    node: NodeId,
    address: string,
    batch: Uint8Array,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Exchanged> {
    const { self, incarnation, client, onTrouble } = this.#options;
    try {
      const given = await client.request({
        address,
        method: "POST",
        path: `/v1/messages?wait=${waitMs}`,
        headers: {
          "content-type": "application/octet-stream",
          [NODE_HEADER]: self,
          [INCARNATION_HEADER]: incarnation,
          [TO_HEADER]: node,
        },
        body: batch,
        answerMs: waitMs === 0 ? ANSWER_MS : waitMs + ANSWER_SPARE_MS,
        signal,
      });
      if (given.status !== 200) {
        given.drop();
        if (given.status === 204) return "empty";
        onTrouble?.({ kind: "refused", node, status: given.status });
        return "nothing";
      }
      const messages = this.#decode(await given.bytes(BATCH_BYTES_MAX), node);
      this.#deliver(node, messages);
      return "messages";
    } catch (error) {
      if (!signal.aborted)
        onTrouble?.({ kind: "unreachable", node, reason: reasonOf(error, client.speaksTls) });
      return "nothing";
    }
  }

  async #onRequest({ incoming, response, rest, query, body }: RouteRequest): Promise<void> {
    const { headers } = incoming;
    const from = headers[NODE_HEADER];
    const incarnation = headers[INCARNATION_HEADER];
    const wait = query.get("wait") ?? "0";
    if (rest !== "") return answer(response, 404, "nothing here");
    if (!isName(from) || !isName(incarnation)) return answer(response, 400, "who are you?");
    if (!WAIT.test(wait) || Number(wait) > WAIT_MS_MAX) return answer(response, 400, "bad wait");
    // An address may have passed on to another node.
    if (headers[TO_HEADER] !== this.self) return answer(response, 421, "another node is meant");
    const bytes = await wholeBody(body());
    if (this.#closed) return answer(response, 503, "closing");
    const node = nodeId(from);
    let messages: readonly Message[];
    try {
      messages = bytes.length === 0 ? [] : this.#decode(bytes, node);
    } catch {
      return answer(response, 400, "no messages");
    }
    setImmediate(() => this.#deliver(node, messages));
    this.#park(node, incarnation, response, Number(wait));
  }

  #park(node: NodeId, incarnation: string, response: ServerResponse, waitMs: number): void {
    const peer = this.#peer(node);
    const batch = peer.outbox.take();
    if (batch !== undefined) answerBatch(response, batch);
    else if (waitMs === 0) answer(response, 204);
    else peer.polls.park(incarnation, response, waitMs, () => this.#flush(node));
    this.#flush(node);
  }

  #decode(bytes: Uint8Array, node: NodeId): readonly Message[] {
    return this.#options.codec.decode(bytes, `node ${node}`);
  }

  #deliver(from: NodeId, messages: readonly Message[]): void {
    for (const message of messages) if (!this.#closed) this.#handler?.(from, message);
  }
}

const isName = (value: string | string[] | undefined): value is string =>
  typeof value === "string" && NAME.test(value);

function answerBatch(response: ServerResponse, batch: Uint8Array | undefined): void {
  if (batch === undefined) return answer(response, 204);
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": batch.length,
  });
  response.end(batch);
}

function pause(delayMs: number, ended: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      ended.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, delayMs);
    ended.addEventListener("abort", done);
    if (ended.aborted) done();
  });
}

function reasonOf(error: unknown, speaksTls: boolean | undefined): string {
  if (error instanceof BicoastalError) return error.message;
  const tls = tlsReasonOf(error, speaksTls);
  if (tls !== undefined) return tls.text;
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code ?? String(error);
}
