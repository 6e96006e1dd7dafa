/** A register that is read, written and compared: the smallest object that shows how a history can be wrong. */
import type { LinearModel, Operation } from "./linearizable.ts";

export type RegisterCall =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: number }
  /** Writes `value` where `expected` stands; its output is 1 where it did, and 0 where not. */
  | { readonly kind: "swap"; readonly expected: number; readonly value: number };

export type RegisterOperation = Operation<RegisterCall, number>;

export const REGISTER: LinearModel<number, RegisterCall, number> = {
  init: 0,
  step(state, input, output) {
    switch (input.kind) {
      case "read":
        return output === undefined || output === state ? state : undefined;
      case "write":
        return input.value;
      case "swap": {
        const holds = state === input.expected;
        if (output !== undefined && holds !== (output === 1)) return undefined;
        return holds ? input.value : state;
      }
    }
  },
  isRead: ({ kind }, output) => kind === "read" || (kind === "swap" && output === 0),
  keyOf: String,
};
