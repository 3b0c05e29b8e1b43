import { LockstepError } from "../errors/mod.ts";
import { problem } from "./problem.ts";

type Handler = (request: Request, info: Deno.ServeHandlerInfo) => Promise<Response>;

/**
 * Finishes what was accepted before the server is shut down. `Deno.HttpServer.shutdown()` ends the
 * reading of bodies that are still arriving, so it has to wait for them: until `drained` resolves.
 */
export class RequestDrain {
  #arriving = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  /** Counts requests that may have a body; once it drains, new ones are sent elsewhere. */
  wrap(handler: Handler): Handler {
    return async (request, info) => {
      if (this.#drained && !isHealthCheck(request)) return refusal();
      // Sockets and event streams have no body. A streamed push is read while it is answered.
      if (request.method !== "GET" && request.method !== "HEAD") {
        this.#arriving++;
        info.completed.catch(() => {}).then(() => {
          if (--this.#arriving === 0) this.#drained?.resolve();
        });
      }
      return await handler(request, info);
    };
  }

  /** Takes no more requests. Resolves when those with bodies are answered. */
  drained(): Promise<void> {
    this.#drained ??= Promise.withResolvers();
    if (this.#arriving === 0) this.#drained.resolve();
    return this.#drained.promise;
  }
}

/** What is said of a request that comes, or whose body breaks off, while the server stops. */
export function stoppingError(cause?: unknown): LockstepError {
  return new LockstepError("unavailable", "The server is stopping. Send the request again.", {
    headers: { Connection: "close" },
    cause,
  });
}

function refusal(): Response {
  return problem(stoppingError(), crypto.randomUUID());
}

function isHealthCheck({ url }: Request): boolean {
  return new URL(url).pathname.startsWith("/api/sync/health/");
}
