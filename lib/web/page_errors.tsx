import type { LockstepError } from "../errors/mod.ts";
import { logger } from "../log/mod.ts";
import { ErrorPage } from "../ui/mod.ts";
import { define } from "./define.ts";
import { publicError } from "./problem.ts";

/** Answers whatever a request for a page throws with a page that says what failed and how to go on. */
export const pageErrors = define.middleware(async (ctx) => {
  if (ctx.url.pathname.startsWith("/api/")) return await ctx.next();
  try {
    return await ctx.next();
  } catch (thrown) {
    const error = publicError(thrown);
    const { method } = ctx.req;
    const path = ctx.url.pathname.slice(0, 200);
    if (error.status >= 500) {
      logger("web").error("{method} {path} failed: {error}", {
        method,
        path,
        error: error.cause ?? error,
      });
    }
    ctx.state.title = titleOf(error.status);
    const page = (
      <ErrorPage
        status={error.status}
        title={ctx.state.title}
        detail={detailOf(error, method, path)}
        requestId={ctx.state.requestId}
        retry={method === "GET" && error.status >= 500
          ? ctx.url.pathname + ctx.url.search
          : undefined}
        home={ctx.state.admin && { href: "/admin", label: "Go to the dashboard" }}
      />
    );
    const headers = new Headers(error.headers);
    headers.set("Cache-Control", "no-store");
    if (error.status === 503) headers.set("Retry-After", "1");
    return await ctx.render(page, { status: error.status, headers });
  }
});

function titleOf(status: number): string {
  if (status === 403) return "Not allowed";
  if (status === 404) return "Page not found";
  if (status === 405) return "Not possible here";
  if (status === 503) return "Not available now";
  return status >= 500 ? "Something went wrong" : "The request was refused";
}

function detailOf(error: LockstepError, method: string, path: string): string {
  if (error.status === 404 && error.message === "Not found.") {
    return `There is no page at ${path}. Check the address, or start again from the first page.`;
  }
  if (error.status === 405) return `This page does not take ${method} requests.`;
  return error.message;
}
