import { expect } from "expect";
import { openDemoApp, visitor } from "./pages_support.ts";
import { needsOneProcess } from "./support/app.ts";

Deno.test("every page has a policy with its own nonce, errors included", async () => {
  await using app = await openDemoApp();
  const nonces = new Set<string>();
  for (const [path, status] of [["/", 200], ["/login", 200], ["/nothing", 404]] as const) {
    const page = await app.fetch(path);
    const { headers } = page;
    expect([path, page.status]).toEqual([path, status]);
    const csp = headers.get("Content-Security-Policy")!;
    const [, nonce] = /script-src 'nonce-(\w{32})' 'strict-dynamic'(?:;|$)/.exec(csp)!;
    nonces.add(nonce);
    expect(csp).not.toContain("unsafe");
    for (
      const directive of [
        "default-src 'none'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
      ]
    ) expect(csp.split("; ")).toContain(directive);
    const html = await page.text();
    for (const [script] of html.matchAll(/<script\b[^>]*>/g)) {
      expect(script).toContain(`nonce="${nonce}"`);
    }
    expect(html).not.toMatch(/\sstyle=|\son\w+=/);
    expect(Object.fromEntries([...headers].filter(([name]) => name !== "content-security-policy")))
      .toMatchObject({
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": expect.stringContaining("camera=()"),
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-request-id": expect.stringMatching(/./),
      });
    expect(headers.has("Strict-Transport-Security")).toBe(false);
  }
  expect(nonces.size).toBe(3);
});

Deno.test({
  name: "an error page shows the request id and nothing of the cause",
  ignore: needsOneProcess("the test puts a health check that fails into it"),
  async fn() {
    await using app = await openDemoApp();
    const missing = await app.fetch("/nothing<script>", { headers: { "X-Request-Id": "abc-123" } });
    const text = await missing.text();
    expect(missing.status).toBe(404);
    expect(text).toContain("abc-123");
    expect(text).not.toContain("<script>");

    Object.assign(app.running.services, {
      health: () => Promise.reject(new Error("a secret of the inside")),
    });
    const broken = await app.fetch("/");
    const page = await broken.text();
    expect(broken.status).toBe(500);
    expect(page).toContain(broken.headers.get("X-Request-Id")!);
    expect(page).toContain("Try again");
    expect(page).not.toContain("secret of the inside");
  },
});

Deno.test("answers that are no pages get a policy that allows nothing", async () => {
  await using app = await openDemoApp();
  for (const path of ["/api/sync/health/", "/api/nothing", "/icon.svg", "/theme.css"]) {
    const { headers } = await app.fetch(path);
    expect([path, headers.get("Content-Security-Policy")]).toEqual(
      [path, "default-src 'none'; frame-ancestors 'none'"],
    );
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  }
});

Deno.test("the files that a page refers to may be cached for ever", async () => {
  await using app = await openDemoApp();
  const html = await (await visitor(app).get("/login")).text();
  const files = [...html.matchAll(/(?:href|src)="(\/[^"]+\?__frsh_c=[^"]+)"/g)].map(([, f]) => f);
  expect(files.length).toBeGreaterThanOrEqual(6);
  for (const file of files) {
    const { status, headers } = await app.fetch(file.replaceAll("&amp;", "&"));
    expect([file, status, headers.get("Cache-Control")]).toEqual(
      [file, 200, "public, max-age=31536000, immutable"],
    );
  }
});

Deno.test({
  name: "the status page says how healthy the server is, and where the API is",
  ignore: needsOneProcess("the test puts a health check of its own into it"),
  async fn() {
    await using app = await openDemoApp();
    const text = await (await app.fetch("/")).text();
    expect(text).toContain("http://localhost/api/sync/");
    expect(text).toContain("Version 0.1.0");
    expect(text).toContain('href="/login"');
    Object.assign(app.running.services, {
      health: () =>
        Promise.resolve({
          status: "unhealthy",
          timestamp: "",
          checks: {
            database: "unhealthy: timeout",
            cache: "healthy",
            logging: "healthy",
            memory: "healthy",
          },
        }),
    });
    expect(await (await app.fetch("/")).text()).toMatch(/Database<\/dt><dd>.*Timeout/);
  },
});
