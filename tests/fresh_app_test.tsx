import { expect } from "expect";
import { App, createDefine, HttpError, page, trailingSlashes } from "fresh";
import type { Middleware, PageProps } from "fresh";

interface State {
  trace: string[];
}

type Handler = ReturnType<App<State>["handler"]>;

function request(handler: Handler, path: string, init?: RequestInit): Promise<Response> {
  return handler(new Request(`http://localhost${path}`, init));
}

async function textOf(handler: Handler, path: string, init?: RequestInit): Promise<string> {
  return await (await request(handler, path, init)).text();
}

async function withoutConsole<T>(run: () => Promise<T>): Promise<T> {
  const { error } = console;
  console.error = () => {};
  try {
    return await run();
  } finally {
    console.error = error;
  }
}

function trace(name: string): Middleware<State> {
  return async (ctx) => {
    (ctx.state.trace ??= []).push(name);
    const res = await ctx.next();
    res.headers.append("x-after", name);
    return res;
  };
}

const answer: Middleware<State> = (ctx) => ctx.text((ctx.state.trace ?? []).join(" "));

Deno.test("App.use() runs middlewares in order, and back in reverse", async () => {
  const handler = new App<State>().use(trace("a"), trace("b")).use(trace("c")).get("/", answer)
    .handler();
  const res = await request(handler, "/");
  expect(await res.text()).toBe("a b c");
  expect(res.headers.get("x-after")).toBe("c, b, a");
});

Deno.test("App.use() applies to what is registered after it, at and below its path", async () => {
  const handler = new App<State>()
    .get("/before", answer)
    .use(trace("all"))
    .use("/api", trace("api"))
    .get("/api", answer)
    .get("/api/:id", answer)
    .get("/apis", answer)
    .handler();
  expect(await textOf(handler, "/before")).toBe("");
  expect(await textOf(handler, "/api")).toBe("all api");
  expect(await textOf(handler, "/api/1")).toBe("all api");
  expect(await textOf(handler, "/apis")).toBe("all");
});

Deno.test("App.use() runs middlewares for paths that no route has", async () => {
  const handler = new App<State>().use((ctx) =>
    ctx.url.pathname === "/virtual" ? ctx.text("virtual") : ctx.next()
  ).handler();
  expect(await textOf(handler, "/virtual")).toBe("virtual");
  expect((await request(handler, "/other")).status).toBe(404);
});

Deno.test("ctx.next() called again runs the same rest of the chain", async () => {
  let runs = 0;
  const handler = new App<State>()
    .use(async (ctx) => {
      await ctx.next();
      return await ctx.next();
    })
    .use((ctx) => ctx.next())
    .get("/", (ctx) => ctx.text(String(++runs)))
    .handler();
  expect(await textOf(handler, "/")).toBe("2");
});

Deno.test("App answers HEAD with the headers of GET, and 405 or OPTIONS with Allow", async () => {
  const handler = new App<State>()
    .get("/x", (ctx) => ctx.text("body", { headers: { "x-kind": "get" } }))
    .post("/x", (ctx) => ctx.text("posted"))
    .all("/all", (ctx) => ctx.text(ctx.req.method))
    .handler();
  const head = await request(handler, "/x", { method: "HEAD" });
  expect([head.status, head.headers.get("x-kind"), await head.text()]).toEqual([200, "get", ""]);
  const put = await request(handler, "/x", { method: "PUT" });
  expect([put.status, put.headers.get("allow")]).toEqual([405, "GET, POST"]);
  const options = await request(handler, "/x", { method: "OPTIONS" });
  expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, POST"]);
  expect(await textOf(handler, "/all", { method: "DELETE" })).toBe("DELETE");
});

Deno.test("App.route() takes a handler per method, a component or both", async () => {
  const handler = new App<State>()
    .route("/component", { component: () => <p>component</p> })
    .route("/both", {
      handler: {
        POST: () =>
          page({ name: "data" }, { status: 201, headers: [["x-a", "1"], ["set-cookie", "b=2"]] }),
      },
      component: ({ data }) => <p>with {(data as { name?: string }).name ?? "nothing"}</p>,
    })
    .handler();
  expect(await textOf(handler, "/component")).toContain("<p>component</p>");
  expect(await textOf(handler, "/both")).toContain("<p>with nothing</p>");
  const posted = await request(handler, "/both", { method: "POST" });
  expect([posted.status, posted.headers.get("x-a"), posted.headers.get("set-cookie")]).toEqual([
    201,
    "1",
    "b=2",
  ]);
  expect(posted.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await posted.text()).toContain("<p>with data</p>");
  expect((await request(handler, "/both", { method: "PUT" })).status).toBe(405);
});

Deno.test("App.mountApp() inserts an app below a path, without its wrapper's place", async () => {
  const inner = new App<State>().use(trace("inner")).get("/", answer).get(
    "/page/:id",
    (ctx) => ctx.text(`${ctx.params.id} ${ctx.route}`),
  );
  const handler = new App<State>().use(trace("outer")).mountApp("/in", inner).get("/", answer)
    .handler();
  expect(await textOf(handler, "/in")).toBe("outer inner");
  expect(await textOf(handler, "/in/page/7")).toBe("7 /in/page/:id");
  expect(await textOf(handler, "/")).toBe("outer");
});

Deno.test("FreshConfig.basePath prefixes every route", async () => {
  const handler = new App<State>({ basePath: "/base" }).get("/", answer).get(
    "/x",
    (ctx) => ctx.text(ctx.config.basePath),
  ).handler();
  expect((await request(handler, "/base")).status).toBe(200);
  expect(await textOf(handler, "/base/x")).toBe("/base");
  expect((await request(handler, "/x")).status).toBe(404);
});

Deno.test("FreshConfig.trustProxy decides whether ctx.url follows forwarded headers", async () => {
  const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "sync.example" };
  const origin: Middleware<State> = (ctx) => ctx.text(ctx.url.origin);
  expect(await textOf(new App<State>().get("/", origin).handler(), "/", { headers })).toBe(
    "http://localhost",
  );
  const trusting = new App<State>({ trustProxy: true }).get("/", origin).handler();
  expect(await textOf(trusting, "/", { headers })).toBe("https://sync.example");
});

Deno.test("HttpError ends a request with its status and message", async () => {
  const handler = new App<State>()
    .get("/plain", () => {
      throw new HttpError(403);
    })
    .get("/message", () => {
      throw new HttpError(418, "Short and stout", { cause: "secret" });
    })
    .get("/unknown", () => {
      throw new Error("secret");
    })
    .get("/wrong", (() => "text") as unknown as Middleware<State>)
    .handler();
  const plain = await request(handler, "/plain");
  expect([plain.status, await plain.text()]).toEqual([403, "Forbidden"]);
  const message = await request(handler, "/message");
  expect([message.status, await message.text()]).toEqual([418, "Short and stout"]);
  await withoutConsole(async () => {
    for (const path of ["/unknown", "/wrong"]) {
      const res = await request(handler, path);
      expect([res.status, await res.text()]).toEqual([500, "Internal server error"]);
    }
  });
});

Deno.test("App.onError() answers errors at and below its path, the nearest first", async () => {
  const show = (name: string): Middleware<State> => (ctx) =>
    ctx.text(`${name}: ${(ctx.error as Error).message}`, { status: 500 });
  const fail: Middleware<State> = () => {
    throw new Error("fail");
  };
  const handler = new App<State>()
    .onError("*", show("outer"))
    .onError("/foo/bar", show("nested"))
    .onError("/broken", () => {
      throw new Error("while handling");
    })
    .get("/fail", fail)
    .get("/foo/bar/fail", fail)
    .get("/foo/fail", fail)
    .get("/broken/fail", fail)
    .handler();
  expect(await textOf(handler, "/fail")).toBe("outer: fail");
  expect(await textOf(handler, "/foo/fail")).toBe("outer: fail");
  expect(await textOf(handler, "/foo/bar/fail")).toBe("nested: fail");
  expect(await textOf(handler, "/broken/fail")).toBe("outer: while handling");
});

Deno.test("App.notFound() answers every 404, also one that is thrown", async () => {
  const handler = new App<State>()
    .notFound((ctx) => ctx.text(`nothing at ${ctx.url.pathname}`, { status: 404 }))
    .onError("*", () => new Response("error page", { status: 500 }))
    .get("/thrown", () => {
      throw new HttpError(404);
    })
    .get("/next", (ctx) => ctx.next())
    .handler();
  for (const path of ["/thrown", "/next", "/missing"]) {
    const res = await request(handler, path);
    expect([res.status, await res.text()]).toEqual([404, `nothing at ${path}`]);
  }
});

Deno.test("App.layout() and appWrapper() nest around pages, the wrapper outermost", async () => {
  const frame = (name: string) => ({ Component }: PageProps<unknown, State>) => (
    <div class={name}>
      <Component />
    </div>
  );
  const handler = new App<State>()
    .appWrapper(({ Component }) => (
      <body>
        <Component />
      </body>
    ))
    .layout("*", frame("root"))
    .layout("/a", async (props) => await frame("async")(props))
    .layout("/a/alone", frame("alone"), { skipInheritedLayouts: true })
    .layout("/a/bare", frame("bare"), { skipAppWrapper: true })
    .get("/a/x", (ctx) => ctx.render(<p>x</p>))
    .get("/a/alone/x", (ctx) => ctx.render(<p>x</p>))
    .get("/a/bare/x", (ctx) => ctx.render(<p>x</p>))
    .get("/a/none", (ctx) => ctx.render(<p>x</p>, {}, { skipInheritedLayouts: true }))
    .get("/a/data", (ctx) => ctx.json({ plain: true }))
    .handler();
  expect(await textOf(handler, "/a/x")).toContain(
    '<body><div class="root"><div class="async"><p>x</p></div></div></body>',
  );
  expect(await textOf(handler, "/a/alone/x")).toContain(
    '<body><div class="alone"><p>x</p></div></body>',
  );
  expect(await textOf(handler, "/a/none")).toContain("<body><p>x</p></body>");
  expect(await textOf(handler, "/a/bare/x")).toContain('<div class="bare"><p>x</p></div>');
  expect(await textOf(handler, "/a/data")).toBe('{"plain":true}');
});

Deno.test("App answers an error in a layout with the error page outside that layout", async () => {
  const handler = new App<State>()
    .onError("*", (ctx) => ctx.render(<p>sorry</p>, { status: 500 }))
    .layout("/a", () => {
      throw new Error("layout");
    })
    .get("/a/x", (ctx) => ctx.render(<p>x</p>))
    .handler();
  const res = await request(handler, "/a/x");
  expect(res.status).toBe(500);
  expect(await res.text()).toContain("<p>sorry</p>");
});

Deno.test("An async component may answer with a response of its own", async () => {
  const handler = new App<State>()
    .layout("/private", async () => await new Response("no", { status: 403 }))
    .get("/private/x", (ctx) => ctx.render(<p>x</p>))
    .handler();
  expect((await request(handler, "/private/x")).status).toBe(403);
});

Deno.test("ctx.render() completes the document and refuses what is not JSX", async () => {
  const handler = new App<State>()
    .get("/", (ctx) => ctx.render(<h1>a &lt; b {"<i>"}</h1>, { headers: { "x-y": "z" } }))
    .get("/null", (ctx) => ctx.render(null))
    .get("/wrong", (ctx) => ctx.render("text" as never))
    .handler();
  const res = await request(handler, "/");
  expect(res.headers.get("x-y")).toBe("z");
  expect(await res.text()).toBe(
    '<!DOCTYPE html><html><head><meta charset="utf-8"/></head>' +
      "<body><h1>a &lt; b &lt;i></h1></body></html>",
  );
  expect(await textOf(handler, "/null")).toContain("<body></body>");
  await withoutConsole(async () => {
    expect((await request(handler, "/wrong")).status).toBe(500);
  });
});

Deno.test("ctx.render() marks links to this page and to pages above it", async () => {
  const handler = new App<State>().get("/docs/:page", (ctx) =>
    ctx.render(
      <nav>
        <a href="/docs/intro">page</a>
        <a href="/docs">above</a>
        <a href="/documents">other</a>
        <a href="/docs/intro" aria-current="step">own</a>
      </nav>,
    )).handler();
  expect(await textOf(handler, "/docs/intro")).toContain(
    '<nav><a href="/docs/intro" data-current="true" aria-current="page">page</a>' +
      '<a href="/docs" data-ancestor="true" aria-current="true">above</a>' +
      '<a href="/documents">other</a>' +
      '<a href="/docs/intro" aria-current="step">own</a></nav>',
  );
});

Deno.test("ctx.redirect() keeps protocol-relative paths on this site", async () => {
  const handler = new App<State>()
    .get(
      "/",
      (ctx) =>
        ctx.redirect(ctx.url.searchParams.get("to")!, Number(ctx.url.searchParams.get("s") ?? 302)),
    )
    .handler();
  const table: [string, string][] = [
    ["/foo/bar", "/foo/bar"],
    ["/", "/"],
    ["//evil.com/", "/evil.com/"],
    ["///evil.com", "/evil.com"],
    ["/\\evil.com", "/evil.com"],
    ["\\\\evil.com", "/evil.com"],
    ["/\t/evil.com", "/evil.com"],
    [" \t//evil.com", "/evil.com"],
    ["/foo//bar?next=//x#//y", "/foo/bar?next=//x#//y"],
    ["https://other.example//x", "https://other.example//x"],
  ];
  for (const [to, location] of table) {
    const res = await request(handler, `/?to=${encodeURIComponent(to)}`);
    expect([res.status, to, res.headers.get("location")]).toEqual([302, to, location]);
  }
  expect((await request(handler, "/?to=/&s=303")).status).toBe(303);
});

Deno.test("App collapses repeated slashes of the request path", async () => {
  const handler = new App<State>().use(trailingSlashes("never")).get("/evil.com", answer).handler();
  const res = await request(handler, "//evil.com/");
  expect(res.headers.get("location")).toBe("/evil.com");
});

Deno.test("ctx.text(), html(), json() and stream() set body and content type", async () => {
  const handler = new App<State>()
    .get("/text", (ctx) => ctx.text("a", { status: 202 }))
    .get("/html", (ctx) => ctx.html("<b>", { headers: { "x-a": "1" } }))
    .get("/json", (ctx) => ctx.json([1], { status: 203 }))
    .get("/stream", (ctx) =>
      ctx.stream(function* () {
        yield "ä";
        yield "b";
      }))
    .handler();
  const text = await request(handler, "/text");
  expect([text.status, text.headers.get("content-type")]).toEqual([
    202,
    "text/plain;charset=UTF-8",
  ]);
  const html = await request(handler, "/html");
  expect([html.headers.get("x-a"), html.headers.get("content-type")]).toEqual([
    "1",
    "text/html; charset=utf-8",
  ]);
  expect((await request(handler, "/json")).status).toBe(203);
  expect(await textOf(handler, "/stream")).toBe("äb");
});

Deno.test("ctx.upgrade() opens a WebSocket, and refuses plain requests with 400", async () => {
  const handler = new App<State>()
    .ws("/echo", { message: (socket, event) => socket.send(`echo ${event.data}`) })
    .handler();
  expect((await request(handler, "/echo")).status).toBe(400);
  await using server = Deno.serve({ port: 0, onListen() {} }, handler);
  const socket = new WebSocket(`ws://localhost:${server.addr.port}/echo`);
  const closed = Promise.withResolvers<void>();
  const received = new Promise((resolve) => socket.onmessage = (event) => resolve(event.data));
  socket.onopen = () => socket.send("hello");
  socket.onclose = () => closed.resolve();
  expect(await received).toBe("echo hello");
  socket.close();
  await closed.promise;
});

Deno.test("createDefine() infers the data of a page from its handler", async () => {
  const define = createDefine<State>();
  const handler = define.handlers({
    GET: (ctx) => page({ id: ctx.params.id, length: ctx.state.trace.length }),
  });
  const component = define.page<typeof handler>(({ data }) => {
    const id: string = data.id;
    // @ts-expect-error a number is not a string
    const wrong: string = data.length;
    return <p>{id} {wrong}</p>;
  });
  const middleware = define.middleware((ctx) => {
    ctx.state.trace = ["x"];
    // @ts-expect-error not part of the state
    ctx.state.other = 1;
    return ctx.next();
  });
  const layout = define.layout(({ Component, state }) => (
    <main>
      {state.trace.length}
      <Component />
    </main>
  ));
  const app = new App<State>().use(middleware).layout("*", layout);
  // deno-lint-ignore no-explicit-any
  app.route("/:id", { handler, component: component as any });
  expect(await textOf(app.handler(), "/seven")).toContain("<main>1<p>seven 1</p></main>");
});
