import { describeSpan, withLogFields } from "../log/mod.ts";
import { define } from "./define.ts";

/** Gives the request, its log entries and its span an id; finds the client's address; measures. */
export const requestState = define.middleware(async (ctx) => {
  const started = performance.now();
  const given = ctx.req.headers.get("X-Request-Id") ?? "";
  ctx.state.requestId = /^[\w.-]{1,100}$/.test(given) ? given : crypto.randomUUID();
  ctx.state.address = clientAddress(ctx.req, ctx.info, ctx.state.services.trusts);
  const { requestId } = ctx.state;
  const route = ctx.route ?? "none";
  describeSpan(`${ctx.req.method} ${route}`, { "http.route": route, request_id: requestId });
  const response = await withLogFields({ request_id: requestId }, () => ctx.next());
  response.headers.set("X-Request-Id", requestId);
  ctx.state.services.metrics.request(
    ctx.req.method,
    route,
    response.status,
    (performance.now() - started) / 1000,
  );
  return response;
});

/** The address of the connection or, where a trusted proxy made it, the nearest untrusted one. */
function clientAddress(
  req: Request,
  info: Deno.ServeHandlerInfo,
  trusts: (address: string) => boolean,
): string {
  const { remoteAddr } = info;
  let address = "hostname" in remoteAddr ? remoteAddr.hostname : "";
  const hops = (req.headers.get("X-Forwarded-For") ?? "").split(",").map((hop) => hop.trim());
  while (hops.length > 0 && hops.at(-1) !== "" && trusts(address)) address = hops.pop()!;
  return address;
}
