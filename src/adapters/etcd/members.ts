/**
 * Connections to the members of an etcd cluster: one each, and the choice among them.
 *
 * gRPC can do that by itself, given all addresses as one; but then TLS checks every member's certificate against the
 * first one's name, a member that is connected and does not answer keeps its place until its connection breaks, and a
 * call that was never sent looks like one whose answer was lost. So:
 *
 * 1. Requests go out only on a connection that stands. What fails before has not been done.
 * 2. The member that was fastest to connect is kept, as it is likely the nearest, until it fails.
 * 3. A member that failed is doubted for a while: others come first, and it comes again where there are none.
 */
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  Metadata,
} from "@grpc/grpc-js";
import type { Clock } from "../../ports/clock.ts";
import { textOf, Unreachable } from "./errors.ts";

/** How long a request waits for a connection before it has failed. */
const CONNECT_MS_MAX = 2_000;
/** It waits in steps: of a process that stands still meanwhile only one of them is lost, and it looks again before it gives up. */
const CONNECT_STEP_MS = 500;
/** The same where a member is connected, but doubted. */
const PREFER_OTHERS_MS_MAX = 500;
const DOUBT_MS = 5_000;
/** How long a member may take to say why it cannot be connected to. */
const REASON_MS_MAX = 200;

const channelOptions = {
  // Otherwise nobody notices that a machine is frozen, or gone without a word. etcd ends connections that ask more
  // often than every 5 s.
  "grpc.keepalive_time_ms": 6_000,
  "grpc.keepalive_timeout_ms": 1_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // etcd's answers are as large as what was asked for.
  "grpc.max_receive_message_length": -1,
  // A store is a thing of the own network.
  "grpc.enable_http_proxy": 0,
  // Each client has connections of its own, as it has in another process.
  "grpc.use_local_subchannel_pool": 1,
};

/** What one member is connected to with. */
export interface MemberChannel {
  readonly credentials: ChannelCredentials;
  /** Besides those that all have. */
  readonly options: ChannelOptions;
}

export interface Member {
  readonly endpoint: string;
  readonly client: Client;
}

export class Members {
  readonly all: readonly Member[];
  readonly #clock: Clock;
  readonly #doubtedUntilMs = new Map<Member, number>();
  #current: Member | undefined;

  constructor(endpoints: readonly string[], channelTo: (endpoint: string) => MemberChannel, clock: Clock) {
    this.#clock = clock;
    this.all = endpoints.map((endpoint) => {
      const { credentials, options } = channelTo(endpoint);
      return { endpoint, client: new Client(endpoint, credentials, { ...channelOptions, ...options }) };
    });
  }

  /** A member that is connected. Throws `Unreachable`. */
  async connected(): Promise<Member> {
    const current = this.#current;
    if (current !== undefined && isConnected(current) && !this.#isDoubted(current)) return current;
    const trusted = this.all.filter((member) => !this.#isDoubted(member));
    const standing = this.all.filter(isConnected).sort((a, b) => this.#doubt(a) - this.#doubt(b));
    const chosen =
      trusted.find(isConnected) ??
      (standing.length === 0
        ? await fastest(this.all, CONNECT_MS_MAX)
        : ((await fastest(trusted, PREFER_OTHERS_MS_MAX)) ?? standing[0]));
    if (chosen === undefined) throw new Unreachable(await this.#whyNot());
    this.#current = chosen;
    return chosen;
  }

  /** The member did not answer, or could not do what another may. */
  doubt(member: Member): void {
    this.#doubtedUntilMs.set(member, this.#clock.monotonicMs() + DOUBT_MS);
  }

  close(): void {
    for (const { client } of this.all) client.close();
  }

  #doubt = (member: Member): number => this.#doubtedUntilMs.get(member) ?? 0;
  #isDoubted = (member: Member): boolean => this.#doubt(member) > this.#clock.monotonicMs();

  async #whyNot(): Promise<string> {
    const reasons = await Promise.all(
      this.all.map(async ({ endpoint, client }) => `${endpoint}: ${await reasonOf(client)}`),
    );
    return `no member can be connected to (${reasons.join("; ")})`;
  }
}

const isConnected = ({ client }: Member): boolean =>
  client.getChannel().getConnectivityState(false) === connectivityState.READY;

/** The first to be connected; undefined where none is in time. */
async function fastest(members: readonly Member[], withinMs: number): Promise<Member | undefined> {
  for (let leftMs = withinMs; leftMs > 0; leftMs -= CONNECT_STEP_MS) {
    const found = await fastestAtOnce(members, Math.min(leftMs, CONNECT_STEP_MS));
    if (found !== undefined) return found;
  }
  return undefined;
}

const fastestAtOnce = (members: readonly Member[], withinMs: number): Promise<Member | undefined> =>
  Promise.any(
    members.map(
      (member) =>
        new Promise<Member>((resolve, reject) =>
          member.client.waitForReady(Date.now() + withinMs, (error) =>
            error === undefined ? resolve(member) : reject(error),
          ),
        ),
    ),
  ).catch(() => undefined);

/** gRPC tells it only to a call. */
const reasonOf = (client: Client): Promise<string> =>
  new Promise((resolve) => {
    const same = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(
      "/etcdserverpb.Maintenance/Status",
      same,
      same,
      Buffer.alloc(0),
      new Metadata(),
      { deadline: Date.now() + REASON_MS_MAX },
      (error) => resolve(error === null ? "it answers now" : textOf(error)),
    );
  });
