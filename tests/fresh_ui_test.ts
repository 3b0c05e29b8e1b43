import { expect } from "expect";
import { join } from "node:path";
import { App, csp, staticFiles } from "fresh";
import type { BrowserContextOptions, Page } from "playwright-core";
import { VENDOR_FILES } from "../lib/ui/mod.ts";
import { buildFixture } from "./fixtures/fresh_build.ts";
import { hasBrowser, launchBrowser } from "./support/browser.ts";

const root = join(import.meta.dirname!, "..");

/** The files that pages refer to, whichever directory the fixture is built from. */
const FILES = Object.fromEntries([
  ...Object.entries(VENDOR_FILES),
  ...["theme.css", "theme.js", "icon.svg"].map((name) => [`/${name}`, `static/${name}`]),
].map(([path, file]) => [path, join(root, file)]));

interface Site {
  /** Opens the page of a record in a new profile; what the console complains of is collected. */
  open(options?: BrowserContextOptions): Promise<Page>;
  complaints: string[];
}

async function withSite(run: (site: Site) => Promise<void>): Promise<void> {
  await buildFixture("fresh_ui", { files: FILES });
  const app = new App().use(csp({ useNonce: true })).use(staticFiles()).fsRoutes();
  await using server = Deno.serve({ port: 0, onListen() {} }, app.handler());
  const browser = await launchBrowser();
  const complaints: string[] = [];
  try {
    await run({
      complaints,
      async open(options) {
        const context = await browser.newContext(options);
        const page = await context.newPage();
        page.on("console", (message) => {
          if (message.type() === "error") complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
        await page.goto(`http://localhost:${server.addr.port}/records/1`);
        return page;
      },
    });
  } finally {
    await browser.close();
  }
}

const theme = (page: Page) => page.getAttribute("html", "data-bs-theme");

function uiTest(name: string, run: (site: Site) => Promise<void>): void {
  Deno.test({ name, ignore: !hasBrowser, fn: () => withSite(run) });
}

uiTest("ThemeSwitch remembers the choice and follows the system without one", async (site) => {
  const page = await site.open({ colorScheme: "dark" });
  expect(await theme(page)).toBe("dark");
  await page.emulateMedia({ colorScheme: "light" });
  await page.waitForSelector("html[data-bs-theme=light]");

  // By keyboard: the second entry is Light, the third Dark.
  await page.focus("select[aria-label=Theme]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  expect(await page.inputValue("select[aria-label=Theme]")).toBe("dark");
  expect(await theme(page)).toBe("dark");

  await page.reload();
  expect(await theme(page)).toBe("dark");
  await page.waitForFunction(() => document.querySelector("select")!.value === "dark");
  await page.selectOption("select[aria-label=Theme]", "auto");
  expect(await theme(page)).toBe("light");
  expect(site.complaints).toEqual([]);
});

uiTest("CopyButton puts its text on the clipboard and says so", async (site) => {
  const page = await site.open({ permissions: ["clipboard-read", "clipboard-write"] });
  await page.click("text=Copy");
  await page.waitForSelector("text=Copied");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    "http://localhost/records/1",
  );
  await page.waitForSelector("text=Copy >> visible=true");
  expect(site.complaints).toEqual([]);
});

uiTest("Layout fits 360 px, with the sidebar as a drawer", async (site) => {
  const page = await site.open({ viewport: { width: 360, height: 740 } });
  const overflow = await page.evaluate(() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth
  );
  expect(overflow).toBe(0);
  const link = page.locator("#sidebar a[href='/records']");
  expect(await link.isVisible()).toBe(false);
  await page.click("text=Menu");
  await link.waitFor();
  expect(await link.getAttribute("aria-current")).toBe("true");
  await page.keyboard.press("Escape");
  await link.waitFor({ state: "hidden" });
});

for (const colorScheme of ["light", "dark"] as const) {
  uiTest(
    `The shared components have no violations of axe's rules, ${colorScheme}`,
    async (site) => {
      for (const width of [360, 1200]) {
        const page = await site.open({
          colorScheme,
          viewport: { width, height: 900 },
          bypassCSP: true,
        });
        await page.addScriptTag({ path: join(root, "node_modules/axe-core/axe.min.js") });
        const violations = await page.evaluate(async () => {
          // deno-lint-ignore no-explicit-any
          const result = await (globalThis as any).axe.run();
          // deno-lint-ignore no-explicit-any
          return result.violations.map(({ id, nodes }: any) => [id, nodes.map((n: any) => n.html)]);
        });
        expect(violations).toEqual([]);
      }
    },
  );
}
