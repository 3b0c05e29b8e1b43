/** The browser script of django-admin-collaborator, on a page of its own form, against our sockets. */
import { expect } from "expect";
import type { BrowserContext, Page } from "playwright-core";
import { ServerProcess } from "../bench/server_process.ts";
import { demoPassword, loadDemo } from "../cli/demo/mod.ts";
import { hasBrowser, launchBrowser } from "./support/browser.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";

const fixture = (name: string) =>
  Deno.readTextFile(new URL(`fixtures/collaborator/${name}`, import.meta.url));

const changePage = "/admin/myapp/customer/1/change/";

/** Puts the old admin's page and script where the server has none. */
async function serveOldAdmin(context: BrowserContext, userId: number): Promise<void> {
  const [html, script] = [await fixture("page.html"), await fixture("script.js")];
  await context.route(`**${changePage}`, (route) =>
    route.fulfill({
      contentType: "text/html",
      body: html.replace("__USER_ID__", String(userId)),
    }));
  await context.route(
    "**/admin/collaborator-fixture.js",
    (route) => route.fulfill({ contentType: "text/javascript", body: script }),
  );
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
  name: "the collaborator's own script: modes, attention, chat, take-over, a server that is killed",
  ignore: !hasBrowser || !hasPostgres,
  async fn() {
    await using database = await openTestDatabase("postgres");
    await loadDemo(database.db);
    const env = { DATABASE_URL: database.url! };
    await using server = await ServerProcess.start(env);
    const { origin } = server;
    const browser = await launchBrowser();
    try {
      const enter = async (username: string) => {
        // Chromium takes a page from a test for one of the internet, which needs leave to call here.
        const context = await browser.newContext({ permissions: ["local-network-access"] });
        const page = await context.newPage();
        // How long a restart takes is the machine's affair: the script's delays wait for it.
        await page.clock.install();
        await page.goto(`${origin}/login`);
        await page.fill("input[name=username]", username);
        await page.fill("input[name=password]", demoPassword);
        await Promise.all([
          page.waitForURL((url) => url.pathname !== "/login"),
          page.click("button[type=submit]"),
        ]);
        const [{ id }] = await database.db.query<{ id: number }>(
          "SELECT id FROM lockstep.app_user WHERE username = $1",
          [username],
        );
        await serveOldAdmin(context, id);
        await page.goto(origin + changePage);
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
      const pages = [sam, ada];
      for (const page of pages) {
        await page.clock.pauseAt(await page.evaluate(() => Date.now() + 10_000));
        await forget(page);
      }
      await server.kill();
      for (const page of pages) await data(page, "attempts", "1");
      await using restarted = await ServerProcess.start({ ...env, PORT: new URL(origin).port });
      expect(restarted.origin).toBe(origin);
      for (const page of pages) await page.clock.resume();
      await Promise.all(pages.map((page) => toldAgain(page)));
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
