import { describe, expect, test } from "vitest";
import type { SpanAttributes, Tracing } from "./tracing.ts";

/** A span that has ended, as its collector has it. */
export interface EndedSpan {
  readonly name: string;
  /** Of `context`. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: SpanAttributes;
  readonly events: readonly { readonly name: string; readonly attributes: SpanAttributes }[];
  readonly failure: string | undefined;
}

export interface TracingHarness {
  readonly tracing: Tracing;
  /** In the order in which they ended. */
  ended(): readonly EndedSpan[];
  /** Runs this within a span of the caller's own code. Gives that span's context. */
  within(run: () => void): string;
}

const CONTEXT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;
const idsOf = (context: string): readonly [string, string] => {
  const [, traceId = "", spanId = ""] = CONTEXT.exec(context) ?? [];
  return [traceId, spanId];
};

export function describeTracing(open: () => TracingHarness): void {
  describe("tracing", () => {
    test("a span has its name, what was set and what happened, once it has ended", () => {
      const { tracing, ended } = open();
      const span = tracing.start("work", { job: "j", n: 1 });
      span.event("loss", { node: "east" });
      span.set({ rows: 7, ok: true });
      expect(ended()).toEqual([]);
      span.end();
      expect(span.context).toMatch(CONTEXT);
      const [traceId, spanId] = idsOf(span.context);
      expect(ended()).toEqual([
        {
          name: "work",
          traceId,
          spanId,
          parentSpanId: undefined,
          attributes: { job: "j", n: 1, rows: 7, ok: true },
          events: [{ name: "loss", attributes: { node: "east" } }],
          failure: undefined,
        },
      ]);
    });

    test("a span's context makes it a parent, also for another process", () => {
      const { tracing, ended } = open();
      const parent = tracing.start("parent", {});
      tracing.start("child", {}, parent.context).end();
      const elsewhere = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`;
      tracing.start("far", {}, elsewhere).end();
      parent.end();
      const [traceId, spanId] = idsOf(parent.context);
      expect(ended()).toMatchObject([
        { name: "child", traceId, parentSpanId: spanId },
        { name: "far", traceId: "ab".repeat(16), parentSpanId: "cd".repeat(8) },
        { name: "parent", traceId },
      ]);
    });

    test("without a parent it belongs to the caller's own span; what is no context is none", () => {
      const { tracing, ended, within } = open();
      const own = within(() => tracing.start("inside", {}).end());
      const [traceId, spanId] = idsOf(own);
      expect(ended().find(({ name }) => name === "inside")).toMatchObject({ traceId, parentSpanId: spanId });
      for (const wrong of ["", "x", `00-${"0".repeat(32)}-${"cd".repeat(8)}-01`])
        tracing.start(`wrong ${wrong}`, {}, wrong).end();
      for (const span of ended().filter(({ name }) => name.startsWith("wrong")))
        expect(span.parentSpanId).toBeUndefined();
    });

    test("a failure is told", () => {
      const { tracing, ended } = open();
      tracing.start("bad", {}).end({ code: "USER_FUNCTION", message: "no" });
      expect(ended()).toMatchObject([
        { name: "bad", failure: "no", attributes: { "error.type": "USER_FUNCTION" } },
      ]);
    });
  });
}
