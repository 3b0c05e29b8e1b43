/** The browser script of django-admin-collaborator, on a page of its own form, against our sockets. */
import { expect } from "expect";
import type { BrowserContext, Page } from "playwright-core";
import { demoPassword } from "../cli/demo/mod.ts";
import { createCollab } from "../lib/web/mod.ts";
import { createApp } from "../main.ts";
import { openDemoApp } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";
import { hasBrowser, launchBrowser } from "./support/browser.ts";

const fixture = (name: string) =>
  Deno.readTextFile(new URL(`fixtures/collaborator/${name}`, import.meta.url));

/** The demo, which also serves the fixture's page and script, on a port that can go and come back. */
class OldAdmin implements AsyncDisposable {
  #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(readonly app: TestApp, readonly html: string, readonly script: string) {
    this.#server = this.#serve(0);
  }

  static async open(): Promise<OldAdmin> {
    return new OldAdmin(
      await openDemoApp(),
      await fixture("page.html"),
      await fixture("script.js"),
    );
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Ends every connection and starts again on the same port, as a restarted server does. */
  async restart(): Promise<void> {
    const { port } = this.#server.addr;
    const { services } = this.app.running;
    const { db, env, settings, catalog } = services;
    await services.collab.close();
    await this.#server.shutdown();
    services.collab = await createCollab(db, env, await settings.current(), catalog);
    this.#server = this.#serve(port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.running.services.collab.close();
    await this.#server.shutdown();
    await this.app[Symbol.asyncDispose]();
  }

  #serve(port: number) {
    const handler = createApp(this.app.running.services).handler();
    return Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, (request, info) => {
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/admin/collaborator-fixture.js") {
        return new Response(this.script, { headers: { "Content-Type": "text/javascript" } });
      }
      if (!/^\/admin\/myapp\/customer\/\d+\/change\/$/.test(pathname)) {
        return handler(request, info);
      }
      const html = this.html.replace("__USER_ID__", searchParams.get("as") ?? "0");
      return new Response(html, { headers: { "Content-Type": "text/html" } });
    });
  }
}

const data = (page: Page, name: string, text: string) =>
  page.waitForSelector(`body[data-${name}*="${text}"]`);

// deno-lint-ignore no-explicit-any
const forget = (page: Page) => page.evaluate(() => (globalThis as any).collaboratorLog.length = 0);

/** Resolves when the page has connected again and heard who edits. */
const toldAgain = (page: Page) =>
  page.waitForFunction(() =>
    // deno-lint-ignore no-explicit-any
    (globalThis as any).collaboratorLog.some((type: string) =>
      type === "editor_status" || type === "claim_denied"
    )
  );

Deno.test({
  name: "the collaborator's own script: modes, attention, chat, take-over, restart of the server",
  ignore: !hasBrowser,
  async fn() {
    await using admin = await OldAdmin.open();
    const browser = await launchBrowser();
    try {
      const enter = async (username: string) => {
        const context: BrowserContext = await browser.newContext();
        const page = await context.newPage();
        await page.goto(`${admin.origin}/login`);
        await page.fill("input[name=username]", username);
        await page.fill("input[name=password]", demoPassword);
        await Promise.all([
          page.waitForURL((url) => url.pathname !== "/login"),
          page.click("button[type=submit]"),
        ]);
        const [{ id }] = await admin.app.db.query<{ id: number }>(
          "SELECT id FROM lockstep.app_user WHERE username = $1",
          [username],
        );
        await page.goto(`${admin.origin}/admin/myapp/customer/1/change/?as=${id}`);
        return page;
      };
      const sam = await enter("sam_staff");
      await data(sam, "mode", "editor");
      await data(sam, "text", "You are in editor mode.");
      const ada = await enter("admin");
      await data(ada, "mode", "viewer");
      await data(ada, "text", "being edited by sam_staff@example.com");
      expect([await sam.isDisabled("#id_name"), await ada.isDisabled("#id_name")])
        .toEqual([false, true]);
      for (const page of [sam, ada]) await page.waitForSelector(".avatar");

      await ada.click("#attention");
      await data(sam, "attention", "User admin@example.com is requesting");

      await data(sam, "online", "admin@example.com");
      await data(ada, "online", "sam_staff@example.com");
      // deno-lint-ignore no-explicit-any
      await ada.evaluate(() => (globalThis as any).collaboratorSay("Hello"));
      await sam.waitForSelector(".heard:has-text('admin@example.com: Hello')");
      await ada.waitForSelector(".said:has-text('Hello')");

      // The server comes back before the script gives up: the editor goes on with its input.
      await sam.fill("#id_notes", "Not saved yet");
      await Promise.all([sam, ada].map(forget));
      await admin.restart();
      await Promise.all([sam, ada].map((page) => toldAgain(page)));
      await data(sam, "mode", "editor");
      expect(await sam.inputValue("#id_notes")).toBe("Not saved yet");
      expect(await sam.isDisabled("#id_notes")).toBe(false);

      // The editor leaves: the viewer's page is loaded again and edits.
      await ada.waitForSelector("body[data-mode=viewer]");
      const loaded = ada.waitForEvent("load");
      await sam.close({ runBeforeUnload: true });
      await loaded;
      await data(ada, "mode", "editor");
      expect(await ada.isDisabled("#id_name")).toBe(false);
    } finally {
      await browser.close();
    }
  },
});
