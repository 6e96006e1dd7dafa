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
