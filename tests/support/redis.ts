import { freePort } from "./free_port.ts";
import { findRedis } from "./programs.ts";

/** Whether this machine can run tests against Redis. */
export const hasRedis = Boolean(findRedis());

export interface RedisServer extends AsyncDisposable {
  url: string;
  port: number;
  process: Deno.ChildProcess;
  stop(): Promise<void>;
}

/** A throw-away Redis on a free port of 127.0.0.1, or on `port`, that stores nothing. */
export async function startRedis(options: { port?: number } = {}): Promise<RedisServer> {
  const program = findRedis();
  if (!program) throw new Error("Redis is not installed (apt-get install redis-server)");
  const port = options.port ?? freePort();
  const process = new Deno.Command(program, {
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  const log = process.stdout.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({
      write(text) {
        if (text.includes("Ready to accept connections")) ready.resolve();
      },
    }),
  );
  log.then(() => ready.reject(new Error(`Redis did not start on port ${port}`)));
  await ready.promise;
  const stop = async () => {
    try {
      process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await log;
    await process.status;
  };
  return { url: `redis://127.0.0.1:${port}`, port, process, stop, [Symbol.asyncDispose]: stop };
}
