import { expect } from "expect";
import { join } from "node:path";
import { App, HttpError, staticFiles } from "fresh";
import { buildFixture } from "./fixtures/fresh_build.ts";

const decoder = new TextDecoder();

async function serveFixture(options: { dev?: boolean } = {}) {
  const built = await buildFixture("fresh_site", options);
  const handler = new App().use(staticFiles()).fsRoutes().handler();
  const get = (path: string, init?: RequestInit) =>
    handler(new Request(`http://localhost${path}`, init));
  return { ...built, get };
}

Deno.test("build() makes small scripts, and the same from the same files", async () => {
  const first = await buildFixture("fresh_site");
  const second = await buildFixture("fresh_site");
  expect(second.buildId).toBe(first.buildId);
  expect(second.scripts).toEqual(first.scripts);

  const runtime = first.scripts.filter(({ path }) => /\/(runtime|chunk)-/.test(path));
  let gzipped = 0;
  for (const { path } of runtime) {
    const file = await Deno.open(join(first.outDir, "static", path));
    const body = file.readable.pipeThrough(new CompressionStream("gzip"));
    gzipped += (await new Response(body).bytes()).byteLength;
  }
  expect(gzipped).toBeLessThan(12_000);
});

Deno.test("staticFiles() lets clients keep what names the build or its own hash", async () => {
  const { get, buildId, scripts } = await serveFixture();
  const immutable = "public, max-age=31536000, immutable";

  const plain = await get("/style.css");
  expect(await plain.text()).toBe("body {\n  margin: 0;\n}\n");
  expect(Object.fromEntries(plain.headers)).toMatchObject({
    "content-type": "text/css; charset=utf-8",
    "cache-control": "no-cache",
    "content-length": "22",
  });

  const tied = await get(`/style.css?__frsh_c=${buildId}`);
  expect([tied.status, tied.headers.get("cache-control")]).toEqual([200, immutable]);
  const script = await get(scripts[0].path);
  expect(script.headers.get("cache-control")).toBe(immutable);
  expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");

  const stale = await get("/style.css?__frsh_c=another&x=1");
  expect([stale.status, stale.headers.get("location")]).toEqual([307, "/style.css?x=1"]);
});

Deno.test("staticFiles() answers 304 to a matching ETag", async () => {
  const { get } = await serveFixture();
  const etag = (await get("/style.css")).headers.get("etag")!;
  for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const res = await get("/style.css", { headers: { "if-none-match": tag } });
    expect([tag, res.status, res.headers.get("etag"), res.body]).toEqual([tag, 304, etag, null]);
  }
  const changed = await get("/style.css", { headers: { "if-none-match": '"x"' } });
  expect(changed.status).toBe(200);
});

Deno.test("staticFiles() answers HEAD, refuses other methods, and stays in its directory", async () => {
  const { get } = await serveFixture();
  const head = await get("/style.css", { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), head.body]).toEqual([200, "22", null]);
  expect((await get("/style.css", { method: "POST" })).status).toBe(405);
  for (
    const path of [
      "/..%2fsnapshot.ts",
      "/%2e%2e/snapshot.ts",
      "/static/../../snapshot.ts",
      "/style.css%00",
      "/%ff",
      "/snapshot.ts",
    ]
  ) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
});

Deno.test("build() for development writes source maps and lets nothing be cached", async () => {
  const { get, buildId, scripts } = await serveFixture({ dev: true });
  const tied = await get(`/style.css?__frsh_c=${buildId}`);
  expect(tied.headers.get("cache-control")).toBe("no-cache");
  const script = await get(scripts[0].path);
  expect(script.headers.get("cache-control")).toBe("no-cache");
  expect((await get(`${scripts[0].path}.map`)).status).toBe(200);
  expect(await script.text()).toContain("sourceMappingURL");
});

Deno.test("build() leaves unchanged files alone and removes those that are gone", async () => {
  const { outDir } = await buildFixture("fresh_site", {
    files: { "/extra.css": "static/style.css" },
  });
  const modified = async (path: string) => (await Deno.stat(join(outDir, path))).mtime!.getTime();
  const past = new Date("2024-01-01");
  for (const path of ["static/style.css", "server.ts"]) {
    await Deno.utime(join(outDir, path), past, past);
  }
  await buildFixture("fresh_site", { outDir });
  expect(await modified("static/style.css")).toBe(past.getTime());
  expect(await modified("server.ts")).toBe(past.getTime());
  await expect(modified("static/extra.css")).rejects.toThrow(Deno.errors.NotFound);
});

Deno.test("build() takes further files and refuses one that does not exist", async () => {
  const { outDir } = await buildFixture("fresh_site", {
    files: { "/vendor/copy.css": "static/style.css" },
  });
  expect(await Deno.readTextFile(join(outDir, "static/vendor/copy.css"))).toContain("margin");
  await expect(buildFixture("fresh_site", { files: { "/x": "static/missing" } })).rejects.toThrow(
    Deno.errors.NotFound,
  );
});

Deno.test("A built application needs no permission but reading", async () => {
  const { outDir } = await buildFixture("fresh_site");
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      `--config=${join(import.meta.dirname!, "../deno.json")}`,
      join(outDir, "server.ts"),
    ],
  });
  const { stdout, stderr } = await command.output();
  expect(decoder.decode(stderr)).toBe("");
  expect(decoder.decode(stdout)).toBe("200 <title>Home\n");
});

Deno.test("A page without islands loads no script; one with islands names their chunks", async () => {
  const { get } = await serveFixture();
  const plain = await get("/plain");
  expect(plain.headers.has("link")).toBe(false);
  expect(await plain.text()).not.toContain("<script");

  const home = await get("/");
  expect(home.headers.get("link")).toMatch(
    /^<\/_fresh\/js\/runtime-\w+\.js>; rel="modulepreload"; as="script"; nonce="\w+", /,
  );
  const html = await home.text();
  expect(html).toContain("<!--frsh:island:I_Counter:0-->");
  expect(html).toContain('<template id="frsh-slot-2"><em id="hidden">hidden text</em></template>');
  expect(html.match(/<script/g)!.length).toBe(1);
  expect(html.match(/<\/script/g)!.length).toBe(1);
});

Deno.test("<Head> replaces the title and elements like those that are there", async () => {
  const { get, buildId } = await serveFixture();
  const html = await (await get("/")).text();
  const head = html.slice(0, html.indexOf("<body>"));
  expect(head.match(/<title>/g)!.length).toBe(1);
  expect(head).toContain("<title>Home &lt;/title></title>");
  expect(head).toContain('<meta name="description" content="home"/>');
  expect(head).not.toContain("default");
  expect(head).toContain(`<link rel="stylesheet" href="/style.css?__frsh_c=${buildId}"/>`);
  expect(html.indexOf("<title>", head.length)).toBe(-1);
});

Deno.test("An island whose props cannot be sent fails its page only", async () => {
  const { get } = await serveFixture();
  const { error } = console;
  const logged: unknown[] = [];
  console.error = (thrown) => logged.push(thrown);
  try {
    expect((await get("/unsendable")).status).toBe(500);
  } finally {
    console.error = error;
  }
  expect(logged[0]).toBeInstanceOf(TypeError);
  expect(logged[0]).not.toBeInstanceOf(HttpError);
  expect(String(logged[0])).toContain("props[0].title");
  expect((await get("/")).status).toBe(200);
});

Deno.test("Files in (_islands) are islands, files in (_components) nothing special", async () => {
  const { get } = await serveFixture();
  expect(await (await get("/local")).text()).toContain(
    "<!--frsh:island:I_Local:0--><b>local</b><!--/frsh:island--><i>part</i>",
  );
  expect((await get("/local/(_components)/Part")).status).toBe(404);
});
