import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { demoPassword } from "../cli/demo/mod.ts";
import { openDemoApp } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";
import { hasBrowser, launchBrowser } from "./support/browser.ts";

const root = join(import.meta.dirname!, "..");

/** The sizes and colours in which every page is looked at: both of each, together as far apart as can be. */
export const looks = [
  { name: "light-desktop", colorScheme: "light", viewport: { width: 1280, height: 860 } },
  { name: "dark-phone", colorScheme: "dark", viewport: { width: 360, height: 740 } },
] as const;

/** The demo on a real port, and a browser. */
export interface Site {
  app: TestApp;
  origin: string;
  /** Opens a page in a new profile. */
  open(path: string, options?: BrowserContextOptions): Promise<Page>;
  /** Signs in in the browser and goes on to `path`. */
  signIn(page: Page, username: string, path?: string): Promise<void>;
  /** What the console and the policy complained of. */
  complaints: string[];
  /** Closes all pages and forgets the complaints. */
  leave(): Promise<void>;
}

/** Registers a test in a browser, on the demo. */
export function browserTest(name: string, fn: (site: Site) => Promise<void>): void {
  Deno.test({ name, ignore: !hasBrowser, fn: () => withSite(fn) });
}

/** Registers a test whose steps follow each other on one demo, each in new profiles. */
export function browserSteps(
  name: string,
  steps: Record<string, (site: Site) => Promise<void>>,
): void {
  Deno.test({
    name,
    ignore: !hasBrowser,
    fn: (t) =>
      withSite(async (site) => {
        for (const [step, fn] of Object.entries(steps)) {
          await t.step(step, async () => {
            try {
              await fn(site);
            } finally {
              await site.leave();
            }
          });
        }
      }),
  });
}

async function withSite(fn: (site: Site) => Promise<void>): Promise<void> {
  await using app = await openDemoApp();
  await using server = app.serve();
  const { origin } = server;
  const browser: Browser = await launchBrowser();
  const complaints: string[] = [];
  try {
    await fn({
      app,
      origin,
      complaints,
      async open(path, options) {
        const page = await (await browser.newContext(options)).newPage();
        page.on("console", (message) => {
          if (["error", "warning"].includes(message.type())) complaints.push(message.text());
        });
        page.on("pageerror", (error) => complaints.push(String(error)));
        await page.goto(origin + path);
        return page;
      },
      async signIn(page, username, path = "/") {
        await page.goto(`${origin}/login?next=${encodeURIComponent(path)}`);
        await page.fill("input[name=username]", username);
        await page.fill("input[name=password]", demoPassword);
        await page.click("button[type=submit]");
        await page.waitForURL(`${origin}${path}`);
      },
      async leave() {
        for (const context of browser.contexts()) await context.close();
        complaints.length = 0;
      },
    });
  } finally {
    await browser.close();
  }
}

/** Clicks on what leads to another page, and resolves when all of that is there. */
export async function follow(page: Page, selector: string): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.click(selector)]);
}

/** Keeps a picture of the page in `test-results/`. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(root, "test-results", `${name}.png`), fullPage: true });
}

/** What axe finds wrong with the page; the page needs a context with `bypassCSP`. */
export async function axeViolations(page: Page): Promise<unknown[]> {
  await page.addScriptTag({ path: join(root, "node_modules/axe-core/axe.min.js") });
  return await page.evaluate(async () => {
    // deno-lint-ignore no-explicit-any
    const { violations } = await (globalThis as any).axe.run();
    // deno-lint-ignore no-explicit-any
    return violations.map(({ id, nodes }: any) => [id, nodes.map((node: any) => node.html)]);
  });
}

/** Pixels by which the page is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate(() =>
    document.documentElement.scrollWidth - document.documentElement.clientWidth
  );
}
