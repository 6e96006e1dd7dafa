/**
 * Spans by OpenTelemetry's API, for an SDK that the user brings.
 *
 * The API keeps what the SDK registers under a symbol of the whole process. It is looked there first, and the package is loaded only
 * where something is registered: without an SDK nothing is loaded, and nothing done.
 */
import type * as Api from "@opentelemetry/api";
import type { Span, SpanAttributes, Tracing } from "../../ports/tracing.ts";

/** Part of the API's contract between its copies of one major version. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");
/** `traceparent`, and what vendors add to it. */
const CONTEXT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?: ([\x20-\x7e]+))?$/;

/** Undefined where no SDK takes spans in this process. */
export async function loadTracing(): Promise<Tracing | undefined> {
  const registered = (globalThis as Record<symbol, unknown>)[REGISTERED] as
    | { readonly trace?: unknown }
    | undefined;
  if (registered?.trace === undefined) return undefined;
  try {
    return createOtelTracing(await import("@opentelemetry/api"));
  } catch {
    // The SDK has an API of its own that is not found from here: spans are no reason to run nothing.
    return undefined;
  }
}

export function createOtelTracing(api: typeof Api): Tracing {
  const tracer = api.trace.getTracer("bicoastal");
  return {
    start(name, attributes, parent) {
      const context = parent === undefined ? api.context.active() : contextOf(api, parent);
      return new OtelSpan(api, tracer.startSpan(name, { attributes }, context));
    },
  };
}

function contextOf(api: typeof Api, parent: string): Api.Context {
  const [, traceId = "", spanId = "", flags = "0", state] = CONTEXT.exec(parent) ?? [];
  const context = {
    ...{ traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true },
    ...(state === undefined ? {} : { traceState: api.createTraceState(state) }),
  };
  return api.isSpanContextValid(context)
    ? api.trace.setSpanContext(api.ROOT_CONTEXT, context)
    : api.ROOT_CONTEXT;
}

class OtelSpan implements Span {
  readonly context: string;
  readonly #api: typeof Api;
  readonly #span: Api.Span;

  constructor(api: typeof Api, span: Api.Span) {
    this.#api = api;
    this.#span = span;
    const { traceId, spanId, traceFlags, traceState } = span.spanContext();
    const state = traceState?.serialize() ?? "";
    const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    this.context = state === "" ? traceparent : `${traceparent} ${state}`;
  }

  event(name: string, attributes: SpanAttributes): void {
    this.#span.addEvent(name, attributes);
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(attributes);
  }

  end(failure?: { readonly code: string; readonly message: string }): void {
    if (failure !== undefined) {
      this.#span.setAttribute("error.type", failure.code);
      this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: failure.message });
    }
    this.#span.end();
  }
}
