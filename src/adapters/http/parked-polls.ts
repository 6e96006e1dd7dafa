import type { ServerResponse } from "node:http";
import { answer } from "./route.ts";

/** Requests of one peer that wait for something to be answered with. */
export class ParkedPolls {
  /** Oldest first; one an incarnation. */
  readonly #polls: Parked[] = [];

  get isEmpty(): boolean {
    return this.#polls.length === 0;
  }

  /**
   * Parks a request for so long at most; an older one of the same incarnation goes empty-handed. Of several incarnations of
   * a node, which of them lives is not known here: the last to ask is answered first.
   */
  park(incarnation: string, response: ServerResponse, waitMs: number, onGone: () => void): void {
    const older = this.#polls.find((it) => it.incarnation === incarnation);
    older?.end();
    if (this.#polls.length >= INCARNATIONS_MAX) this.#polls[0]?.end();
    const remove = (): void => {
      clearTimeout(timer);
      const at = this.#polls.indexOf(poll);
      if (at >= 0) this.#polls.splice(at, 1);
    };
    const end = (): void => {
      remove();
      answer(response, 204);
    };
    const timer = setTimeout(end, waitMs);
    const poll: Parked = { incarnation, response, remove, end };
    this.#polls.push(poll);
    response.once("close", () => {
      remove();
      onGone();
    });
  }

  /** The request that came last, which is to be answered now. */
  take(): ServerResponse | undefined {
    for (let poll = this.#polls.at(-1); poll !== undefined; poll = this.#polls.at(-1)) {
      poll.remove();
      if (!poll.response.destroyed) return poll.response;
    }
    return undefined;
  }

  close(): void {
    for (const poll of [...this.#polls]) poll.end();
  }
}

/** Two processes of one name are a mistake, or one that was thawed; more are not served at a time. */
const INCARNATIONS_MAX = 4;

interface Parked {
  readonly incarnation: string;
  readonly response: ServerResponse;
  remove(): void;
  end(): void;
}
