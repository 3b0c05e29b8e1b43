/**
 * Where ports are looked for: below those that systems give to whoever asks for none in particular,
 * so that nobody's connection takes a port between its choice and its use.
 */
const [lowest, count] = [10_000, 20_000];

/** Where the tests of a run, which are several at a time, note the ports that they have taken. */
const taken = Deno.env.get("LOCKSTEP_TEST_PORTS");

/**
 * A TCP port of 127.0.0.1 that nothing listens on now, and that neither the system nor another test
 * of this run gives to anybody else.
 */
export function freePort(): number {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      if (taken) Deno.writeTextFileSync(`${taken}/${port}`, "", { createNew: true });
      return port;
    } catch (error) {
      const { AddrInUse, AlreadyExists } = Deno.errors;
      if (!(error instanceof AddrInUse || error instanceof AlreadyExists)) throw error;
    }
  }
}
