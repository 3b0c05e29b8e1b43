import { expect } from "expect";
import { App, csp, staticFiles } from "fresh";
import { hasBrowser, launchBrowser } from "./support/browser.ts";
import { buildFixture } from "./fixtures/fresh_build.ts";

const STRICT = csp({
  useNonce: true,
  csp: [
    "default-src 'none'",
    "script-src 'unsafe-inline' 'strict-dynamic'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self'",
  ],
});

Deno.test({
  name: "boot() revives islands, shared signals and JSX props under a strict CSP",
  ignore: !hasBrowser,
  async fn() {
    await buildFixture("fresh_site");
    const app = new App().use(STRICT).use(staticFiles()).fsRoutes();
    await using server = Deno.serve({ port: 0, onListen() {} }, app.handler());
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
          complaints.push(message.text());
        }
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      const response = await page.goto(`http://localhost:${server.addr.port}/`);
      expect(response!.headers()["content-security-policy"]).toMatch(
        /script-src 'nonce-\w+' 'strict-dynamic'/,
      );

      await page.waitForSelector("#first [data-revived=yes]");
      expect(await page.textContent("#first > time")).toBe("2024-02-29T12:00:00.000Z");

      await page.click("#first > button");
      await page.click("#second > button");
      expect(await page.textContent("#first > output")).toBe("Count: 5");
      expect(await page.textContent("#second > output")).toBe("Count: 5");

      // JSX that the server rendered keeps its markup and its islands.
      expect(await page.isChecked("#first .note input")).toBe(true);
      expect(await page.textContent("#first .note b")).toBe("note");
      expect(await page.locator("#deep").count()).toBe(0);
      await page.click("#first .disclosure > button");
      expect(await page.textContent("#first .note #deep")).toBe("deep");

      // JSX that an island had left out, with text that could have ended the script. It goes where
      // the island ends, not where its parent does.
      const following = () =>
        page.evaluate(() => {
          const ids: string[] = [];
          let node = document.querySelector("main > .disclosure")!.nextElementSibling;
          for (; node !== null; node = node.nextElementSibling) ids.push(node.id);
          return ids;
        });
      await page.waitForSelector("#late", { state: "attached" });
      const button = page.locator("main > .disclosure button");
      expect(await button.textContent()).toBe("</script><!--");
      await button.click();
      expect(await page.textContent("main > #hidden")).toBe("hidden text");
      expect(await following()).toEqual(["hidden", "late", "after"]);
      await button.click();
      expect(await following()).toEqual(["late", "after"]);

      expect(await page.getAttribute("main > .disclosure", "data-asset")).toMatch(
        /^\/style\.css\?__frsh_c=\w{12}$/,
      );
      expect(
        await page.evaluate(() => getComputedStyle(document.querySelector("h1")!).color),
      ).toBe("rgb(1, 2, 3)");
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  },
});
