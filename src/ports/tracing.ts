/** Spans of what a job does, for whoever collects them. Where nobody does, there is no `Tracing` at all. */

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface Tracing {
  /**
   * Begins a span.
   * @param parent As `Span.context` of another one, of this process or any; a text that is none is passed by. Default: the
   * one that the caller's own code is in, where there is one.
   */
  start(name: string, attributes: SpanAttributes, parent?: string): Span;
}

export interface Span {
  /** What others name as their parent: W3C `traceparent`, and where there is one, after a space, `tracestate`. */
  readonly context: string;
  event(name: string, attributes: SpanAttributes): void;
  set(attributes: SpanAttributes): void;
  /** Once. With a failure, the span says that it failed and of what. */
  end(failure?: { readonly code: string; readonly message: string }): void;
}
