import { expect, test } from "vitest";
import { jobId, stageId } from "../base/ids.ts";
import { NoteCounter } from "./count-notes.ts";

test("knows what a node drives, and counts what befalls it", () => {
  const counter = new NoteCounter();
  const seen: string[] = [];
  const counts = {
    drove: (outcome: string) => void seen.push(outcome),
    attemptFailed: (code: string) => void seen.push(code),
    outputLost: () => void seen.push("lost output"),
  };
  const [a, b] = [jobId("a"), jobId("b")];
  const where = { stage: stageId(0), partition: 0 };
  counter.count({ kind: "driving", job: a }, counts);
  counter.count({ kind: "driving", job: b }, counts);
  // Driving begins anew after a stumble.
  counter.count({ kind: "driving", job: b }, counts);
  expect(counter.driving).toBe(2);
  const error = { code: "USER_FUNCTION", message: "no", retryable: true, details: {} } as const;
  const failed = { kind: "taskFailed", ...where, tries: 1, triesMax: 4, error, retryInMs: 100 } as const;
  counter.count({ kind: "event", job: a, event: failed }, counts);
  counter.count({ kind: "event", job: a, event: { kind: "outputLost", ...where } }, counts);
  counter.count({ kind: "drove", job: b, outcome: "committed" }, counts);
  expect(counter.driving).toBe(1);
  expect(seen).toEqual(["USER_FUNCTION", "lost output", "committed"]);
});
