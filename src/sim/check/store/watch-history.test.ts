import { expect, test } from "vitest";
import type { Change, WatchEvent } from "../../../ports/control-store.ts";
import { WatchHistory } from "./watch-history.ts";

const AWAKE = { alive: true, frozen: false };
const LONG_MS = 60_000;

const put = (key: string, revision: number): Change => {
  const value = Buffer.from(`at ${revision}`);
  const entry = { key, value, createRevision: revision, modRevision: revision, version: 1, lease: undefined };
  return { kind: "put", entry };
};
/** Revision 2 changes a, 3 what nobody watches, 4 both a and b. */
const COMMITS = new Map<number, readonly Change[]>([
  [2, [put("a", 2)]],
  [3, [put("z", 3)]],
  [4, [put("a", 4), put("b", 4)]],
]);
const told = (revision: number, changes = COMMITS.get(revision)!): WatchEvent => {
  return { kind: "changes", revision, changes };
};
const COMPACTED: WatchEvent = { kind: "compacted", compactRevision: 3 };

/** What is found of a watch of a and b, from revision 2 on, that tells this. */
function judged(
  events: readonly WatchEvent[],
  then: (history: WatchHistory, close: () => void) => void = () => {},
  client = AWAKE,
): readonly string[] {
  let nowMs = 0;
  const history = new WatchHistory(() => nowMs, COMMITS);
  for (const revision of COMMITS.keys()) history.onCommit(revision);
  const watch = history.watch({ from: "a", to: "c", fromRevision: 2 }, client);
  for (const event of events) watch.onEvent(event);
  then(history, watch.close);
  nowMs = LONG_MS;
  history.lookForForgotten();
  return history.problems;
}

test("a watch that tells all of its range, in order, is right; so is one that ends and is listed again, or is closed", () => {
  expect(judged([told(2), told(4)])).toEqual([]);
  expect(judged([told(2), COMPACTED], (history) => history.onList("a", "c", AWAKE))).toEqual([]);
  expect(judged([{ kind: "failed", reason: "gone" }], (_, close) => close())).toEqual([]);
  expect(judged([], undefined, { alive: false, frozen: false })).toEqual([]);
});

test.each<readonly [string, RegExp, readonly WatchEvent[]]>([
  ["it leaves a revision out", /told of revision 4, and never of 2/, [told(4)]],
  ["it tells one twice", /revision 2 twice/, [told(2), told(2), told(4)]],
  ["it tells them out of order", /revision 2 twice, or out of order/, [told(4), told(2)]],
  ["it leaves out half of a transaction", /other changes at revision 4/, [told(2), told(4, [put("b", 4)])]],
  ["it tells another value", /other changes at revision 2/, [told(2, [put("a", 9)]), told(4)]],
  ["it tells what it does not watch", /other changes at revision 3/, [told(2), told(3), told(4)]],
  ["it goes on after its end", /told of changes after its end/, [told(2), COMPACTED, told(4)]],
  ["it never tells the last", /has not told of revision 4/, [told(2)]],
  ["it ends, and nobody lists the range again", /nobody listed that range again/, [told(2), COMPACTED]],
])("it is noticed when %s", (_, problem, events) => {
  expect(judged(events)).toContainEqual(expect.stringMatching(problem));
});

test("a list of another range, or by somebody else, makes nothing good", () => {
  const other = { alive: true, frozen: false };
  const problems = judged([COMPACTED], (history) => {
    history.onList("a", "b", AWAKE);
    history.onList("a", "c", other);
  });
  expect(problems).toHaveLength(1);
});
