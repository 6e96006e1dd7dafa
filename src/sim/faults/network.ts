import type { NodeId } from "../../base/ids.ts";
import type { Transport } from "../../ports/transport.ts";
import type { SimProcess } from "../process.ts";
import type { Faults } from "./faults.ts";

/** Messages that may be told again long after they were sent. */
const REMEMBERED_MAX = 200;
const REPLAY_MS_MAX = 60_000;
/** On and off again, each time for so long at the most. */
const FLAP_MS_MAX = 1_000;

interface Member<Message> {
  readonly process: SimProcess;
  handler: ((from: NodeId, message: Message) => void) | undefined;
  open: boolean;
}

interface Sent<Message> {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: Message;
  /** How often all was forgotten before. */
  readonly age: number;
}

/** Links that let nothing through. */
interface Cut {
  readonly severs: (from: NodeId, to: NodeId) => boolean;
  on: boolean;
}

/** Messages late, out of order, doubled, lost or told again, by the rates in force; and links that are cut. */
export class SimNetwork<Message extends { readonly kind: string }> {
  readonly #faults: Faults;
  readonly #members = new Map<NodeId, Member<Message>>();
  readonly #cuts = new Set<Cut>();
  #remembered: Sent<Message>[] = [];
  #age = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** Cuts a node off from all others. */
  isolate(node: NodeId): void {
    this.#cut((from, to) => from === node || to === node);
  }

  /** Cuts some of the links of a node, or of many, for so long. Returns what it is that was cut. */
  cutSome(nodes: readonly NodeId[], forMs: number): string {
    const { random, scheduler } = this.#faults;
    const one = random.pick(nodes);
    const other = random.pick(nodes);
    const half = new Set(nodes.filter(() => random.chance(0.5)));
    const [what, severs] = random.pick<[string, Cut["severs"]]>([
      [`${one} from all`, (from, to) => from === one || to === one],
      [`what ${one} sends`, (from) => from === one],
      [`what is sent to ${one}`, (_, to) => to === one],
      [
        `${one} from ${other}`,
        (from, to) => (from === one && to === other) || (from === other && to === one),
      ],
      [`what ${one} sends to ${other}`, (from, to) => from === one && to === other],
      [`${[...half].join(" ") || "nobody"} from the others`, (from, to) => half.has(from) !== half.has(to)],
    ]);
    const cut = this.#cut(severs);
    const flaps = random.chance(0.3);
    if (flaps) this.#flap(cut);
    scheduler.after(forMs, () => this.#cuts.delete(cut));
    return `${what} for ${forMs} ms${flaps ? ", on and off" : ""}`;
  }

  /** Cuts these nodes off from all others, not from each other. */
  cutOff(nodes: ReadonlySet<NodeId>, forMs: number): void {
    const cut = this.#cut((from, to) => nodes.has(from) !== nodes.has(to));
    this.#faults.scheduler.after(forMs, () => this.#cuts.delete(cut));
  }

  #cut(severs: Cut["severs"]): Cut {
    const cut = { severs, on: true };
    this.#cuts.add(cut);
    return cut;
  }

  #flap(cut: Cut): void {
    this.#faults.scheduler.after(1 + this.#faults.random.below(FLAP_MS_MAX), () => {
      if (!this.#cuts.has(cut)) return;
      cut.on = !cut.on;
      this.#flap(cut);
    });
  }

  /** What was sent until now does not come any more: everybody is down who has sent it, or would hear it. */
  forget(): void {
    this.#age++;
    this.#remembered = [];
  }

  heal(): void {
    this.#cuts.clear();
  }

  /** Whether nothing but chance stands in the way from one to the other. */
  connects(from: NodeId, to: NodeId): boolean {
    for (const { on, severs } of this.#cuts) if (on && severs(from, to)) return false;
    return true;
  }

  /** A node of this name takes the place of an earlier one. */
  join(self: NodeId, process: SimProcess): Transport<Message> {
    const member: Member<Message> = { process, handler: undefined, open: true };
    const { points } = this.#faults;
    this.#members.set(self, member);
    return {
      self,
      send: (to, message) => {
        if (!member.open) return;
        points.pass(process, `sending ${message.kind}`);
        if (process.alive) this.#send(self, to, message);
        points.pass(process, `${message.kind} sent`);
      },
      receive: (handler) => {
        if (member.open) member.handler = handler;
      },
      close: () => {
        member.open = false;
        member.handler = undefined;
      },
    };
  }

  #send(from: NodeId, to: NodeId, message: Message): void {
    const { random, rates, scheduler } = this.#faults;
    const sent = { from, to, message, age: this.#age };
    const copies = this.#faults.happens("messageDoubled", () => `${message.kind} ${from} to ${to}`) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#faults.happens("messageLost", () => `${message.kind} ${from} to ${to}`)) continue;
      const late = this.#faults.happens("messageLate", () => `${message.kind} ${from} to ${to}`);
      const delayMs = 1 + random.below(late ? rates.delayMsMax : 5);
      scheduler.after(delayMs, () => this.#deliver(sent));
    }
    if (rates.messageReplayed > 0) this.#replay(sent);
  }

  /** Has one that was sent before come again. */
  #replay(sent: Sent<Message>): void {
    const { random, scheduler } = this.#faults;
    const remembered = this.#remembered;
    if (remembered.length < REMEMBERED_MAX) remembered.push(sent);
    else remembered[random.below(REMEMBERED_MAX)] = sent;
    const old = random.pick(remembered);
    if (this.#faults.happens("messageReplayed", () => `${old.message.kind} ${old.from} to ${old.to}`))
      scheduler.after(random.below(REPLAY_MS_MAX), () => this.#deliver(old));
  }

  #deliver({ from, to, message, age }: Sent<Message>): void {
    const member = this.#members.get(to);
    if (member === undefined || age < this.#age) return;
    if (!this.connects(from, to)) {
      // What nobody is there to hear is not lost to the cut.
      if (member.process.alive && member.open)
        this.#faults.trace.fault("messageCut", `${message.kind} ${from} to ${to}`);
      return;
    }
    member.process.enter(() => {
      this.#faults.points.pass(member.process, `${message.kind} received`);
      if (member.process.alive) member.handler?.(from, message);
    });
  }
}
