import { expect } from "expect";
import { App, cors, csp, csrf, type Middleware, trailingSlashes } from "fresh";

const answer: Middleware<unknown> = (ctx) => ctx.text("");

function request(
  handler: ReturnType<App<unknown>["handler"]>,
  path: string,
  init?: RequestInit,
): Promise<Response> {
  return handler(new Request(`http://localhost${path}`, init));
}

Deno.test("trailingSlashes() redirects to the wanted form and keeps the query", async () => {
  const never = new App().use(trailingSlashes("never")).get("/a", answer).get("/", answer)
    .handler();
  const always = new App().use(trailingSlashes("always")).get("/a", answer).handler();
  expect((await request(never, "/a/?b=/")).headers.get("location")).toBe("/a?b=/");
  expect((await request(never, "/a")).status).toBe(200);
  expect((await request(never, "/")).status).toBe(200);
  expect((await request(always, "/a?b=1")).headers.get("location")).toBe("/a/?b=1");
  expect((await request(always, "/a/")).status).toBe(200);
});

Deno.test("csrf() refuses unsafe requests of other origins", async () => {
  const handler = new App().use(csrf()).post("/", answer).get("/", answer).handler();
  const post = async (headers: Record<string, string>) =>
    (await request(handler, "/", { method: "POST", headers })).status;
  expect(await post({})).toBe(200);
  expect(await post({ origin: "http://localhost" })).toBe(200);
  expect(await post({ origin: "http://evil.example" })).toBe(403);
  expect(await post({ origin: "null" })).toBe(403);
  expect(await post({ "sec-fetch-site": "same-origin" })).toBe(200);
  expect(await post({ "sec-fetch-site": "none" })).toBe(200);
  expect(await post({ "sec-fetch-site": "same-site" })).toBe(403);
  expect(await post({ "sec-fetch-site": "cross-site" })).toBe(403);
  const get = await request(handler, "/", { headers: { origin: "http://evil.example" } });
  expect(get.status).toBe(200);
});

Deno.test("csrf() accepts the origins it is given", async () => {
  const handler = new App().use(csrf({ origin: ["https://a.example"] })).post("/", answer)
    .handler();
  const post = async (origin: string) =>
    (await request(handler, "/", {
      method: "POST",
      headers: { origin, "sec-fetch-site": "cross-site" },
    })).status;
  expect(await post("https://a.example")).toBe(200);
  expect(await post("https://b.example")).toBe(403);
});

Deno.test("cors() answers preflights and marks responses", async () => {
  const handler = new App()
    .use(cors({ origin: ["https://a.example"], credentials: true, maxAge: 60 }))
    .get("/", answer)
    .handler();
  const preflight = await request(handler, "/", {
    method: "OPTIONS",
    headers: { origin: "https://a.example", "access-control-request-headers": "x-organization" },
  });
  expect(preflight.status).toBe(204);
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-headers": "x-organization",
    "access-control-allow-credentials": "true",
    "access-control-max-age": "60",
    vary: "Origin, Access-Control-Request-Headers",
  });
  const other = await request(handler, "/", { headers: { origin: "https://b.example" } });
  expect([other.headers.get("access-control-allow-origin"), other.headers.get("vary")]).toEqual([
    null,
    "Origin",
  ]);
});

Deno.test("csp() puts the nonce of the rendered scripts in place of 'unsafe-inline'", async () => {
  const handler = new App().use(csp({ useNonce: true, csp: ["img-src 'none'"] }))
    .get("/", (ctx) => ctx.render(<script src="/x.js" />))
    .handler();
  const nonces = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const res = await request(handler, "/");
    const policy = res.headers.get("content-security-policy")!;
    const nonce = policy.match(/script-src 'self' 'nonce-(\w+)'/)![1];
    expect(await res.text()).toContain(`<script src="/x.js" nonce="${nonce}">`);
    expect(policy).toContain("img-src 'none'");
    expect(policy).not.toContain("unsafe-inline");
    expect(policy).not.toContain("upgrade-insecure-requests");
    nonces.add(nonce);
  }
  expect(nonces.size).toBe(2);
});

const CONSTANT = <style>{"p { margin: 0 }"}</style>;

Deno.test("ctx.render() gives JSX that is kept in a constant each page's own nonce", async () => {
  const handler = new App().use(csp({ useNonce: true })).get(
    "/",
    (ctx) => ctx.render(CONSTANT),
  ).handler();
  for (let i = 0; i < 2; i++) {
    const res = await request(handler, "/");
    const nonce = (await res.text()).match(/nonce="(\w+)"/)![1];
    expect(res.headers.get("content-security-policy")).toContain(`'nonce-${nonce}'`);
  }
});
