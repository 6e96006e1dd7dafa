import * as api from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterEach, expect, test } from "vitest";
import { describeTracing } from "../../ports/tracing.contract.ts";
import type { SpanAttributes } from "../../ports/tracing.ts";
import { createOtelTracing, loadTracing } from "./otel-tracing.ts";

function startSdk(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  api.trace.setGlobalTracerProvider(provider);
  return exporter;
}

afterEach(() => {
  api.trace.disable();
  api.context.disable();
});

describeTracing(() => {
  const exporter = startSdk();
  return {
    tracing: createOtelTracing(api),
    ended: () =>
      exporter.getFinishedSpans().map((span) => ({
        name: span.name,
        traceId: span.spanContext().traceId,
        spanId: span.spanContext().spanId,
        parentSpanId: span.parentSpanContext?.spanId,
        attributes: span.attributes as SpanAttributes,
        events: span.events.map(({ name, attributes }) => ({
          name,
          attributes: attributes as SpanAttributes,
        })),
        failure: span.status.code === api.SpanStatusCode.ERROR ? span.status.message : undefined,
      })),
    within: (run) =>
      api.trace.getTracer("test").startActiveSpan("own", (span) => {
        run();
        const { traceId, spanId } = span.spanContext();
        return `00-${traceId}-${spanId}-01`;
      }),
  };
});

test("there is no tracing without an SDK, and there is with one", async () => {
  expect(await loadTracing()).toBeUndefined();
  const exporter = startSdk();
  (await loadTracing())?.start("x", {}).end();
  expect(exporter.getFinishedSpans().map(({ name }) => name)).toEqual(["x"]);
});

test("what vendors add to a trace goes with it, from whoever submits to whoever runs", () => {
  const exporter = startSdk();
  const tracing = createOtelTracing(api);
  const submitted = `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01 acme=1,other=x:y`;
  const span = tracing.start("job", {}, submitted);
  expect(span.context).toMatch(/^00-(ab){16}-[0-9a-f]{16}-01 acme=1,other=x:y$/);
  tracing.start("attempt", {}, span.context).end();
  span.end();
  for (const each of exporter.getFinishedSpans()) {
    expect(each.spanContext().traceId).toBe("ab".repeat(16));
    expect(each.spanContext().traceState?.get("acme")).toBe("1");
  }
  expect(exporter.getFinishedSpans()).toHaveLength(2);
  expect(tracing.start("alone", {}).context).not.toContain(" ");
});
