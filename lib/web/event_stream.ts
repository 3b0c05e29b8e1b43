/** One open stream of server-sent events. */
export interface EventStream {
  send(event: string, data: unknown, id?: string): void;
  close(): void;
}

const heartbeat = 15_000;
/** Bytes that may wait for a slow reader before the stream is closed; it resumes by its last id. */
const backlog = 256 * 1024;

/**
 * Answers with a stream of server-sent events (HTML standard, section 9.2). `open` starts the events and
 * resolves to what stops them; that is called once, however the stream ends.
 */
export async function eventStream(
  stopping: AbortSignal,
  open: (stream: EventStream) => Promise<() => void>,
): Promise<Response> {
  const encoder = new TextEncoder();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let closed = false;
  let stop: (() => void) | undefined;
  const close = () => {
    if (closed) return;
    closed = true;
    clearInterval(timer);
    stopping.removeEventListener("abort", close);
    stop?.();
    try {
      controller.close();
    } catch { /* The client closed it first. */ }
  };
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: close,
  }, new ByteLengthQueuingStrategy({ highWaterMark: backlog }));
  const write = (text: string) => {
    if (closed) return;
    if ((controller.desiredSize ?? 0) <= 0) return close();
    controller.enqueue(encoder.encode(text));
  };
  const timer = setInterval(() => write(": \n\n"), heartbeat);
  stopping.addEventListener("abort", close);
  try {
    stop = await open({
      send(event, data, id) {
        write(`${id ? `id: ${id}\n` : ""}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      },
      close,
    });
  } catch (error) {
    close();
    throw error;
  }
  if (closed) stop();
  write(": \n\n");
  return new Response(body, {
    headers: {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    },
  });
}
