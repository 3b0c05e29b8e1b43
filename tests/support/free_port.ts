/**
 * Where ports are looked for: below those that systems give to whoever asks for none in particular,
 * so that nobody's connection takes a port between its choice and its use.
 */
const [lowest, count] = [10_000, 20_000];

/** A TCP port of 127.0.0.1 that nothing listens on now, and that the system gives to nobody else. */
export function freePort(): number {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
