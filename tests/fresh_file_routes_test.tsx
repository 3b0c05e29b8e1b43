import { expect } from "expect";
import { App, HttpError, page, staticFiles } from "fresh";
import type { Context, PageProps } from "fresh";
import { setBuildCache } from "../lib/fresh/internal.ts";

type Ctx = Context<{ trace?: string[] }>;

/** Serves modules as if they were the files of `routes/`. */
function serve(
  modules: Record<string, unknown>,
  compose = (app: App<unknown>) => app.fsRoutes(),
): (path: string, init?: RequestInit) => Promise<Response> {
  setBuildCache({
    root: ".",
    buildId: "test",
    mode: "production",
    staticDir: new URL("./", import.meta.url),
    runtime: "/runtime.js",
    routes: Object.entries(modules).map(([path, module]) => ({ path, module })),
    islands: [],
    files: new Map(),
  });
  const handler = compose(new App()).handler();
  return (path, init) => handler(new Request(`http://localhost${path}`, init));
}

const show = (name: string) => ({
  handler: (ctx: Ctx) =>
    new Response([name, JSON.stringify(ctx.params), ...ctx.state.trace ?? []].join(" ")),
});

const traced = (name: string) => (ctx: Ctx) => {
  (ctx.state.trace ??= []).push(name);
  return ctx.next();
};

const frame = (name: string) => ({ Component }: PageProps) => (
  <div class={name}>
    <Component />
  </div>
);

Deno.test("App.fsRoutes() maps file names to paths", async () => {
  const get = serve({
    "/index": show("home"),
    "/about": show("about"),
    "/blog/index": show("blog"),
    "/blog/[slug]": show("post"),
    "/blog/new": show("new"),
    "/blog/[slug]/comments": show("comments"),
    "/old/[...path]": show("old"),
    "/docs/[[version]]/index": show("docs"),
    "/(marketing)/career": show("career"),
  });
  const table: [string, string][] = [
    ["/", "home {}"],
    ["/about", "about {}"],
    ["/about/", "about {}"],
    ["/blog", "blog {}"],
    ["/blog/new", "new {}"],
    ["/blog/a%20b", 'post {"slug":"a b"}'],
    ["/blog/x/comments", 'comments {"slug":"x"}'],
    ["/old/a/b", 'old {"path":"a/b"}'],
    ["/docs", 'docs {"version":""}'],
    ["/docs/canary", 'docs {"version":"canary"}'],
    ["/career", "career {}"],
  ];
  for (const [path, text] of table) {
    expect([path, await (await get(path)).text()]).toEqual([path, text]);
  }
  expect((await get("/marketing/career")).status).toBe(404);
});

Deno.test("RouteConfig.routeOverride replaces the pattern of the file", async () => {
  const get = serve({
    "/my-route": { ...show("x"), config: { routeOverride: "/x/:module@:version/:path*" } },
    "/jobs/[id]": { ...show("job"), config: { routeOverride: "/jobs/:id{/}?" } },
  });
  expect(await (await get("/x/std@1.0/a/b")).text()).toBe(
    'x {"module":"std","version":"1.0","path":"a/b"}',
  );
  expect(await (await get("/jobs/7/")).text()).toBe('job {"id":"7"}');
  expect((await get("/my-route")).status).toBe(404);
});

Deno.test("_middleware runs after the app's, from the outer folder inwards, groups included", async () => {
  const get = serve({
    "/_middleware": { default: [traced("root1"), traced("root2")] },
    "/api/_middleware": { handler: traced("api") },
    "/api/(secret)/_middleware": { default: traced("secret") },
    "/api/(secret)/key": show("key"),
    "/api/[id]/_middleware": { default: traced("id") },
    "/api/[id]/item": show("item"),
    "/api/open": show("open"),
    "/other": show("other"),
  }, (app) => app.use(traced("app") as never).fsRoutes());
  expect(await (await get("/api/key")).text()).toBe("key {} app root1 root2 api secret");
  expect(await (await get("/api/7/item")).text()).toBe('item {"id":"7"} app root1 root2 api id');
  expect(await (await get("/api/open")).text()).toBe("open {} app root1 root2 api");
  expect(await (await get("/other")).text()).toBe("other {} app root1 root2");
});

Deno.test("_layout nests by folder and group, _app is outermost", async () => {
  const component = { default: () => <p>page</p> };
  const get = serve({
    "/_app": {
      default: ({ Component }: PageProps) => (
        <html lang="en">
          <body>
            <Component />
          </body>
        </html>
      ),
    },
    "/_layout": { default: frame("root") },
    "/index": component,
    "/about": component,
    "/about/_layout": { default: frame("about") },
    "/about/team": component,
    "/blog/_layout": { default: frame("blog") },
    "/blog/index": component,
    "/blog/(info)/_layout": { default: frame("info") },
    "/blog/(info)/archive": component,
    "/admin/_layout": { default: frame("admin"), config: { skipInheritedLayouts: true } },
    "/admin/index": component,
    "/login": { ...component, config: { skipInheritedLayouts: true } },
    "/embed": { ...component, config: { skipInheritedLayouts: true, skipAppWrapper: true } },
  });
  const frames = async (path: string) =>
    [
      ...(await (await get(path)).text()).matchAll(/class="(\w+)"/g),
    ].map((match) => match[1]);
  expect(await frames("/")).toEqual(["root"]);
  expect(await frames("/about")).toEqual(["root"]);
  expect(await frames("/about/team")).toEqual(["root", "about"]);
  expect(await frames("/blog")).toEqual(["root", "blog"]);
  expect(await frames("/blog/archive")).toEqual(["root", "blog", "info"]);
  expect(await frames("/admin")).toEqual(["admin"]);
  expect(await frames("/login")).toEqual([]);
  const wrapped = async (path: string) => (await (await get(path)).text()).includes('lang="en"');
  expect(await wrapped("/login")).toBe(true);
  expect(await wrapped("/embed")).toBe(false);
});

Deno.test("Pages, layouts and _app get url, params, state, data and error", async () => {
  const get = serve({
    "/_middleware": { default: traced("m") },
    "/_layout": {
      default: async ({ Component, state, data }: PageProps<unknown, { trace: string[] }>) =>
        await (
          <div title={`${state.trace} ${data}`}>
            <Component />
          </div>
        ),
    },
    "/[id]": {
      handler: { GET: () => page({ n: 1 }, { status: 202, headers: { "x-a": "b" } }) },
      default: async ({ data, params, url, error, route }: PageProps<{ n: number }>) =>
        await <p>{`${data.n} ${params.id} ${url.pathname} ${error} ${route}`}</p>,
    },
  });
  const res = await get("/seven");
  expect([res.status, res.headers.get("x-a")]).toEqual([202, "b"]);
  expect(await res.text()).toContain('<div title="m null"><p>1 seven /seven null /:id</p></div>');
});

Deno.test("A route answers its methods, HEAD by GET, others with 405", async () => {
  const get = serve({
    "/one": { handlers: { POST: () => new Response("posted") } },
    "/page": { default: () => <p>page</p>, handler: { POST: () => new Response("posted") } },
    "/async": { default: async () => await new Response("raw", { status: 418 }) },
  });
  expect((await get("/one")).status).toBe(405);
  expect(await (await get("/one", { method: "POST" })).text()).toBe("posted");
  expect((await get("/one", { method: "OPTIONS" })).headers.get("allow")).toBe("POST");
  const head = await get("/page", { method: "HEAD" });
  expect([head.status, head.body]).toEqual([200, null]);
  expect((await get("/page", { method: "DELETE" })).status).toBe(405);
  expect((await get("/async")).status).toBe(418);
  expect((await get("/one", { method: "toString" })).status).toBe(405);
});

Deno.test("_error answers errors of its folder with the status of an HttpError", async () => {
  const fail = {
    handler: (ctx: Ctx) => {
      const status = Number(ctx.url.searchParams.get("status"));
      throw status ? new HttpError(status as 403, "reason") : new Error("secret");
    },
  };
  const errorPage = (name: string) => ({
    default: ({ error }: PageProps) => (
      <h1>{name} {error instanceof HttpError ? error.message : "unknown"}</h1>
    ),
  });
  const get = serve({
    "/_layout": { default: frame("root") },
    "/_error": errorPage("root"),
    "/_404": { default: ({ url }: PageProps) => <h1>no {url.pathname}</h1> },
    "/fail": fail,
    "/bare": { ...fail, config: { skipInheritedLayouts: true } },
    "/inner/_error": errorPage("inner"),
    "/inner/fail": fail,
    "/inner/crash": {
      default: () => {
        throw new Error("in component");
      },
    },
    "/broken/_layout": {
      default: () => {
        throw new Error("in layout");
      },
    },
    "/broken/_error": errorPage("broken"),
    "/broken/index": { default: () => <p>page</p> },
  });
  const table: [string, number, string][] = [
    ["/fail", 500, '<div class="root"><h1>root unknown</h1></div>'],
    ["/fail?status=403", 403, "<h1>root reason</h1>"],
    ["/bare", 500, '<div class="root"><h1>root unknown</h1></div>'],
    ["/inner/fail?status=409", 409, "<h1>inner reason</h1>"],
    ["/inner/crash", 500, "<h1>inner unknown</h1>"],
    ["/broken", 500, '<div class="root"><h1>root unknown</h1></div>'],
    ["/inner/fail?status=404", 404, "<h1>no /inner/fail</h1>"],
    ["/missing", 404, '<div class="root"><h1>no /missing</h1></div>'],
  ];
  for (const [path, status, html] of table) {
    const res = await get(path);
    expect([path, res.status]).toEqual([path, status]);
    expect(await res.text()).toContain(html);
  }
  const posted = await get("/fail?status=403", { method: "POST" });
  expect([posted.status, await posted.text()]).toEqual([
    403,
    expect.stringContaining("root reason"),
  ]);
});

Deno.test("App.fsRoutes() stands where it is called and below the path it is given", async () => {
  const get = serve(
    { "/index": show("home"), "/x": show("x") },
    (app) => app.get("/files/x", () => new Response("mine")).fsRoutes("/files"),
  );
  expect(await (await get("/files")).text()).toBe("home {}");
  expect(await (await get("/files/x")).text()).toBe("mine");
  expect((await get("/x")).status).toBe(404);
});

Deno.test("staticFiles() passes on what is not in the build", async () => {
  const get = serve({ "/x": show("x") }, (app) => app.use(staticFiles()).fsRoutes());
  expect(await (await get("/x")).text()).toBe("x {}");
});
