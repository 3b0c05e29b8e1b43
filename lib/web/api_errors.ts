import { LockstepError } from "../errors/mod.ts";
import { logger } from "../log/mod.ts";
import { define } from "./define.ts";
import { problem, publicError } from "./problem.ts";

/** Answers whatever a request to `/api/` throws as a problem document; pages have their own errors. */
export const apiErrors = define.middleware(async (ctx) => {
  if (!ctx.url.pathname.startsWith("/api/")) return await ctx.next();
  const { requestId } = ctx.state;
  try {
    return await ctx.next();
  } catch (error) {
    let shown = publicError(error);
    if (shown.code === "not_found" && !(error instanceof LockstepError)) {
      shown = notFound(ctx.url.pathname);
    } else if (shown.code === "method_not_allowed") {
      shown = new LockstepError(
        "method_not_allowed",
        `${ctx.req.method} is not allowed on ${ctx.url.pathname.slice(0, 200)}.`,
      );
    }
    if (shown.status >= 500) {
      logger("web").error("{method} {path} failed: {error}", {
        method: ctx.req.method,
        path: ctx.url.pathname,
        error: shown.cause ?? shown,
      });
    }
    return problem(shown, requestId);
  }
});

function notFound(path: string): LockstepError {
  return new LockstepError("not_found", `There is nothing at ${path.slice(0, 200)}.`);
}
