import {
  type Attributes,
  ProxyTracerProvider,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";

/** Whether somebody takes spans: Deno does with OTEL_DENO=true. */
export const isTracing = !(trace.getTracerProvider() instanceof ProxyTracerProvider);
const tracer = trace.getTracer("lockstep");

/** Runs `fn` in a span, a child of the one around it: a call of another service. */
export async function traced<T>(
  name: string,
  attributes: Attributes,
  fn: () => Promise<T>,
): Promise<T> {
  if (!isTracing) return await fn();
  return await tracer.startActiveSpan(
    name,
    { kind: SpanKind.CLIENT, attributes },
    async (span) => {
      try {
        return await fn();
      } catch (error) {
        // By name alone: the message of a database error may hold a row's values.
        const message = error instanceof Error ? error.name : "unknown";
        span.setStatus({ code: SpanStatusCode.ERROR, message });
        throw error;
      } finally {
        span.end();
      }
    },
  );
}

/** Names the span that is under way, and adds attributes to it. */
export function describeSpan(name: string, attributes: Attributes): void {
  if (!isTracing) return;
  trace.getActiveSpan()?.updateName(name).setAttributes(attributes);
}
