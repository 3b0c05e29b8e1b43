import { expect } from "expect";
import type { Page } from "playwright-core";
import { createApp } from "../main.ts";
import { browserTest, follow, picture, type Site } from "./browser_support.ts";
import { activityForADay } from "./pages_activity_support.ts";
import { freePort } from "./support/free_port.ts";
import { until } from "./support/until.ts";

async function enter(
  site: Site,
  path: string,
  options: Parameters<Site["open"]>[1] = {},
): Promise<Page> {
  const page = await site.open("/login", options);
  await site.signIn(page, "sam_staff", path);
  return page;
}

/** A line of the log whose device has that name. */
async function logLine(site: Site, device: string): Promise<void> {
  await site.app.db.query(
    "INSERT INTO lockstep.sync_log (operation, status, device) VALUES ('PULL', 'SUCCESS', $1)",
    [device],
  );
}

browserTest("the log shows new lines without a reload, also after a restart", async (site) => {
  const port = freePort();
  const serve = () => {
    const stop = new AbortController();
    const { finished } = Deno.serve(
      { port, hostname: "127.0.0.1", signal: stop.signal, onListen() {} },
      createApp(site.app.running.services).handler(),
    );
    return async () => {
      stop.abort();
      await finished;
    };
  };
  let stop = serve();
  try {
    const page = await enter(site, "/admin/logs");
    await page.goto(`http://127.0.0.1:${port}/admin/logs`);
    await page.waitForSelector(".is-live");
    await page.evaluate(() => document.body.dataset.opened = "once");
    await logLine(site, "before");
    await page.waitForSelector("td:text-is('before')");
    await stop();
    await page.waitForSelector(".is-lost");
    await logLine(site, "meanwhile");
    stop = serve();
    await page.waitForSelector(".is-live");
    await page.waitForSelector("td:text-is('meanwhile')");
    await logLine(site, "after");
    await page.waitForSelector("td:text-is('after')");
    expect(await page.locator("tbody tr").count()).toBe(3);
    expect(await page.evaluate(() => document.body.dataset.opened)).toBe("once");
  } finally {
    await stop();
  }
});

browserTest(
  "the dashboard and the audit trail follow, and keep what people opened",
  async (site) => {
    const page = await enter(site, "/admin");
    await page.waitForSelector(".is-live");
    const pulled = page.locator("dt:text-is('Failed operations') + dd .count");
    expect(await pulled.textContent()).toBe("0");
    await site.app.db.script(
      "INSERT INTO lockstep.sync_log (operation, status) VALUES ('PUSH', 'ERROR')",
    );
    await page.waitForSelector("dt:text-is('Failed operations') + dd .count:text-is('1')");

    await site.app.db.script("UPDATE lockstep.organization SET description = 'First'");
    await page.goto(`${site.origin}/admin/audit`);
    await page.waitForSelector(".is-live");
    const first = page.locator(".record-history > li").first();
    const key = await first.getAttribute("data-key");
    const same = page.locator(`.record-history > li[data-key="${key}"]`);
    const wasOpen = await same.locator("details").evaluate((details) =>
      (details as HTMLDetailsElement).open
    );
    await same.locator("summary").click();
    await site.app.db.script("UPDATE lockstep.organization SET description = 'Followed'");
    await page.waitForSelector(".record-history ins:text-is('Followed')");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("SUMMARY");
    expect(
      await same.locator("details").evaluate((details) => (details as HTMLDetailsElement).open),
    )
      .toBe(!wasOpen);
    expect(await first.getAttribute("data-key")).not.toBe(key);
    expect(site.complaints).toEqual([]);
  },
);

browserTest("a page that follows says so when its rights are withdrawn", async (site) => {
  const page = await enter(site, "/admin/logs");
  await page.waitForSelector(".is-live");
  await site.app.db.script(
    "UPDATE lockstep.app_user SET is_staff = false WHERE username = 'sam_staff'",
  );
  await page.waitForSelector(".is-ended:has-text('Your rights were changed.')");
});

browserTest("the search is reached by a key and leads on by the keyboard", async (site) => {
  const page = await enter(site, "/admin/logs");
  await page.waitForSelector(".quick-search [data-ready]");
  await page.keyboard.press("/");
  await page.keyboard.type("quarantine");
  await page.waitForSelector(".quick-search [role=option]:has-text('Quarantine')");
  await picture(page, "quick-search");
  await page.keyboard.press("Escape");
  expect(await page.locator(".quick-search [role=option]").count()).toBe(0);
  await page.focus("h1 >> xpath=ancestor::main");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("device");
  await page.waitForSelector(".quick-search [role=option][aria-selected=true]:has-text('Devices')");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/admin/devices");
  expect(site.complaints).toEqual([]);
});

browserTest("a setting of the discovery shows at once what it would change", async (site) => {
  const path = "/admin/models/settings";
  const page = await enter(site, path);
  await page.waitForSelector(".discovery-preview [data-ready]", { state: "attached" });
  await page.fill("[name='v.EXCLUDE_MODELS']", "myapp.Report");
  await page.waitForSelector(".alert:has-text('1 model can be synced no more.')");
  await picture(page, "discovery-preview");
  const isEnabled = async () => {
    const { models } = await site.app.running.services.catalog.current();
    return models.find(({ name }) => name === "myapp.Report")!.enabled;
  };
  expect(await isEnabled()).toBe(true);
  expect(await page.inputValue("[name='v.EXCLUDE_MODELS']")).toBe("myapp.Report");
  await page.fill("[name='v.EXCLUDE_MODEL_PATTERNS']", "(");
  await page.waitForSelector(".alert:has-text('Nothing was saved')");
  await page.fill("[name='v.EXCLUDE_MODEL_PATTERNS']", "");
  await page.waitForSelector(".alert:has-text('1 model can be synced no more.')");
  await page.click("button:has-text('Save')");
  await page.waitForSelector(".alert:has-text('The settings are saved.')");
  await until(async () => !await isEnabled());
});

browserTest("the activity's forms work without scripts", async (site) => {
  await activityForADay(site.app);
  const page = await enter(site, "/admin/quarantine", { javaScriptEnabled: false });
  await page.check("tbody tr:last-child input[type=checkbox]");
  await follow(page, "button:has-text('Discard selected')");
  await page.click("button:has-text('Discard 1 record')");
  await page.waitForSelector("text=1 record was discarded.");
  await page.goto(`${site.origin}/admin/metrics?period=week`);
  expect(await page.locator("canvas:visible").count()).toBe(0);
  expect(await page.locator("text=By model").count()).toBeGreaterThan(0);
  await page.goto(`${site.origin}/admin/jobs`);
  await page.click("tr:has-text('purge_chat') button");
  await page.waitForSelector("text=purge_chat ran and succeeded.");
  await page.fill(".quick-search input", "metrics");
  await Promise.all([page.waitForURL("**/admin/search?*"), page.keyboard.press("Enter")]);
  await page.click("main >> text=Metrics");
  await page.waitForURL("**/admin/metrics");
});
