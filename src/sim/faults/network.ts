import type { NodeId } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import type { Transport } from "../../ports/transport.ts";
import type { SimProcess } from "../process.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Trace } from "../trace.ts";
import type { FaultRates } from "./rates.ts";

interface Member<Message> {
  readonly process: SimProcess;
  handler: ((from: NodeId, message: Message) => void) | undefined;
  open: boolean;
}

/** Messages late, out of order, doubled or lost, by the rates in force; nodes may be cut off from all others. */
export class SimNetwork<Message extends { readonly kind: string }> {
  readonly #scheduler: Scheduler;
  readonly #random: Prng;
  readonly #rates: () => FaultRates;
  readonly #trace: Trace;
  readonly #members = new Map<NodeId, Member<Message>>();
  readonly #isolated = new Set<NodeId>();

  constructor(scheduler: Scheduler, random: Prng, rates: () => FaultRates, trace: Trace) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#rates = rates;
    this.#trace = trace;
  }

  isolate(node: NodeId): void {
    this.#isolated.add(node);
  }
  heal(): void {
    this.#isolated.clear();
  }

  /** Whether nothing but chance stands between these two. */
  connects(from: NodeId, to: NodeId): boolean {
    return !this.#isolated.has(from) && !this.#isolated.has(to);
  }

  /** A node of this name takes the place of an earlier one. */
  join(self: NodeId, process: SimProcess): Transport<Message> {
    const member: Member<Message> = { process, handler: undefined, open: true };
    this.#members.set(self, member);
    return {
      self,
      send: (to, message) => {
        if (member.open) this.#send(self, to, message);
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
    const rates = this.#rates();
    const copies = this.#random.chance(rates.messageDoubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.chance(rates.messageLost)) {
        this.#trace.fault("messageLost", `${message.kind} ${from} to ${to}`);
        continue;
      }
      const late = this.#random.chance(rates.messageLate);
      const delayMs = 1 + this.#random.below(late ? rates.delayMsMax : 5);
      this.#scheduler.after(delayMs, () => this.#deliver(from, to, message));
    }
  }

  #deliver(from: NodeId, to: NodeId, message: Message): void {
    const member = this.#members.get(to);
    if (member === undefined || !this.connects(from, to)) return;
    member.process.enter(() => member.handler?.(from, message));
  }
}
