/** A span around what a caller asked for. */
import { toErrorInfo } from "../base/errors.ts";
import type { Span, SpanAttributes, Tracing } from "../ports/tracing.ts";

/** Undefined where nobody collects spans. Asked for each run: an SDK may be started at any time before. */
export type FindTracing = () => Promise<Tracing | undefined>;

export async function traced<T>(
  find: FindTracing,
  name: string,
  attributes: SpanAttributes,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const span = (await find())?.start(name, attributes);
  try {
    const result = await work(span);
    span?.end();
    return result;
  } catch (error) {
    span?.end(toErrorInfo(error, "JOB_FAILED"));
    throw error;
  }
}
