import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import type { LogEntry, LogSource } from "../../plan/task-logs.ts";
import { type LogItem, readLogs } from "./read-logs.ts";

const entry = (node: string, atMs: number, index: number): LogEntry => ({
  atMs,
  node,
  level: "info",
  message: String(index),
});

/** A node whose lines come in pages of these lengths, some of which hold nothing. */
class Node implements LogSource {
  readonly node: string;
  readonly lines: readonly LogEntry[];
  readonly #pages: readonly number[];
  /** Lines there are now. */
  there: number;
  away = false;
  asked = 0;

  constructor(node: string, steps: readonly number[], pages: readonly number[]) {
    this.node = node;
    let atMs = 0;
    this.lines = steps.map((step, index) => {
      atMs += step;
      return entry(node, atMs, index);
    });
    this.#pages = pages;
    this.there = this.lines.length;
  }

  /** Where a page of nothing is due, it still brings its reader on: by half a step. */
  async page(from: number) {
    if (this.away) throw new BicoastalError("PEER_UNREACHABLE", `${this.node} is away`);
    const wanted = this.#pages[this.asked++ % this.#pages.length] ?? 1;
    const start = Math.floor(from);
    if (start >= this.there) return { entries: [], next: from, dropped: 0 };
    if (wanted === 0 && start === from) return { entries: [], next: from + 0.5, dropped: 0 };
    const end = Math.min(this.there, start + Math.max(wanted, 1));
    return { entries: this.lines.slice(start, end), next: end, dropped: 0 };
  }
}

const nodes = fc
  .array(
    fc.tuple(fc.array(fc.nat(3), { maxLength: 30 }), fc.array(fc.nat(7), { minLength: 1, maxLength: 5 })),
    { maxLength: 5 },
  )
  .map((all) => all.map(([steps, pages], index) => new Node(`n${index}`, steps, pages)));

const byTimeAndNode = (a: LogEntry, b: LogEntry): number =>
  a.atMs - b.atMs ||
  (a.node < b.node ? -1 : a.node > b.node ? 1 : 0) ||
  Number(a.message) - Number(b.message);

async function all(items: AsyncIterable<LogItem>): Promise<readonly LogItem[]> {
  const got: LogItem[] = [];
  for await (const item of items) got.push(item);
  return got;
}
const linesOf = (items: readonly LogItem[]): readonly LogEntry[] =>
  items.flatMap((item) => (item.kind === "line" ? [item.entry] : []));

test("all lines of all nodes, in one order, however they are paged", async () => {
  await fc.assert(
    fc.asyncProperty(nodes, async (sources) => {
      const request = { sources: async () => sources, follow: false, signal: undefined };
      const ended = { hasEnded: async () => true, pause: async () => {} };
      const lines = linesOf(await all(readLogs({ ...request, ...ended })));
      expect(lines).toEqual(sources.flatMap((each) => each.lines).sort(byTimeAndNode));
    }),
  );
});

test("whoever follows gets every line once, those of one node in its order, and what was said before the end", async () => {
  await fc.assert(
    fc.asyncProperty(nodes, fc.array(fc.nat(9), { maxLength: 8 }), async (sources, growth) => {
      for (const each of sources) each.there = 0;
      let looks = 0;
      const pause = async (): Promise<void> => {
        const more = growth[looks++];
        for (const each of sources)
          each.there =
            more === undefined ? each.lines.length : Math.min(each.lines.length, each.there + more);
      };
      const hasEnded = async (): Promise<boolean> => looks > growth.length;
      const request = { sources: async () => sources, follow: true, signal: undefined, pause, hasEnded };
      const lines = linesOf(await all(readLogs(request)));
      for (const { node, lines: wanted } of sources)
        expect(lines.filter((line) => line.node === node)).toEqual(wanted);
    }),
  );
});

test("a node that is away is told of once, and read on when it is back", async () => {
  const here = new Node("here", [1, 1], [5]);
  const gone = new Node("gone", [1, 1], [5]);
  gone.away = true;
  let looks = 0;
  const items = await all(
    readLogs({
      sources: async () => [here, gone],
      follow: true,
      hasEnded: async () => looks >= 3,
      pause: async () => {
        looks++;
        gone.away = looks < 3;
      },
      signal: undefined,
    }),
  );
  expect(items.map((item) => (item.kind === "line" ? item.entry.node : item))).toEqual([
    { kind: "away", node: "gone", reason: "gone is away" },
    "here",
    "here",
    "gone",
    "gone",
  ]);
});

test("what was dropped is told once, and an abort ends it", async () => {
  const source: LogSource = {
    node: "n",
    page: async (from) => ({ entries: from === 0 ? [entry("n", 1, 0)] : [], next: 10, dropped: 4 }),
  };
  const stop = new AbortController();
  const items = await all(
    readLogs({
      sources: async () => [source],
      follow: true,
      hasEnded: async () => false,
      pause: async () => stop.abort(),
      signal: stop.signal,
    }),
  );
  expect(items).toEqual([
    { kind: "dropped", node: "n", lines: 4 },
    { kind: "line", entry: entry("n", 1, 0) },
  ]);
});
