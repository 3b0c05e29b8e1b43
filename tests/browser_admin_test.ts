import { expect } from "expect";
import type { Page } from "playwright-core";
import { valueOf } from "./admin_api_world.ts";
import { axeViolations, browserTest, follow, looks, overflow, picture } from "./browser_support.ts";
import { activityForADay } from "./pages_activity_support.ts";
import { syncForADay } from "./pages_admin_support.ts";
import type { TestApp } from "./support/app.ts";

/** Every page of the admin that is not a record's; those that choose an organization come last. */
async function pagesOf({ db }: TestApp): Promise<[title: string, path: string][]> {
  const one = (sql: string) => valueOf(db, sql);
  return [
    ["dashboard", "/admin"],
    ["logs", "/admin/logs"],
    ["logs-filtered", "/admin/logs?status=ERROR&model=myapp.Customer"],
    ["logs-empty", "/admin/logs?device=none"],
    ["devices", "/admin/devices"],
    ["device", `/admin/devices/${await one("SELECT min(id) FROM lockstep.device")}`],
    ["models", "/admin/models"],
    ["model", "/admin/models/myapp.Customer"],
    ["model-left-out", "/admin/models/myapp.OpenOrder"],
    ["discovery", "/admin/models/settings"],
    ["organizations", "/admin/organizations"],
    ["organization", "/admin/organizations/1"],
    ["users", "/admin/users"],
    ["user", "/admin/users/3"],
    ["user-new", "/admin/users/new"],
    ["groups", "/admin/groups"],
    ["group", "/admin/groups/2"],
    ["filters", "/admin/filters"],
    ["filter", "/admin/filters/filter-1"],
    ["permissions-all", "/admin/permissions"],
    ["permissions-copy", "/admin/permissions/copy?copied=3&to=acme-corp"],
    ["audit", "/admin/audit"],
    ["audit-empty", "/admin/audit?actor=nobody"],
    ["audit-verify", "/admin/audit/verify"],
    ["audit-event", `/admin/audit/${await one("SELECT max(id) FROM lockstep.audit_event")}`],
    ["quarantine", "/admin/quarantine"],
    ["quarantine-empty", "/admin/quarantine?state=discarded"],
    [
      "quarantine-record",
      `/admin/quarantine/${await one("SELECT min(id) FROM lockstep.quarantine")}`,
    ],
    ["metrics", "/admin/metrics?period=week"],
    ["metrics-empty", "/admin/metrics?model=none"],
    ["jobs", "/admin/jobs"],
    ["job", "/admin/jobs/generate_sync_report"],
    ["report", "/admin/jobs/report"],
    ["search", "/admin/search?q=customer+1"],
    ["search-empty", "/admin/search?q=nothing-has-this-name"],
    ["settings", "/admin/settings"],
    ["settings-section", "/admin/settings/SYNC"],
    ["settings-models", "/admin/settings/MODELS"],
    ["settings-texts", "/admin/settings/COLLABORATION"],
    ["settings-import", "/admin/settings/import"],
    ["settings-history", "/admin/settings/history"],
    ["api", "/api/docs"],
    ["permissions", "/admin/permissions?organization=global-retail"],
    ["explain", "/admin/explain?user=mary_sales&organization=global-retail&model=myapp.Customer"],
  ];
}

/** Most bytes of a page's own scripts as sent; charts come on top. */
const mostScript = 60_000;

browserTest(
  "every page has no violations of axe's rules, light or dark, wide or narrow, and few scripts",
  async (site) => {
    await activityForADay(site.app);
    // Colours are looked at when they have settled.
    const page = await site.open("/login", { bypassCSP: true, reducedMotion: "reduce" });
    await site.signIn(page, "sam_staff", "/admin");
    const another = await page.context().newPage();
    const pages = await pagesOf(site.app);
    const faults: unknown[] = [];
    const visit = async (page: Page) => {
      for (let next = pages.shift(); next; next = pages.shift()) {
        const [title, path] = next;
        await page.goto(site.origin + path);
        if (title === "metrics") await page.waitForSelector("canvas[width]");
        const script = await scriptBytes(page);
        if (title !== "metrics" && script >= mostScript) faults.push([title, script, "bytes"]);
        // Each colour once, and each size once.
        for (const { name, colorScheme, viewport } of looks) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize(viewport);
          await page.waitForSelector(`html[data-bs-theme=${colorScheme}]`);
          await picture(page, `${title}-${name}`);
          const found = [await axeViolations(page), await overflow(page)];
          if (String(found) !== ",0") faults.push([title, name, ...found]);
        }
      }
    };
    await Promise.all([visit(page), visit(another)]);
    expect(faults).toEqual([]);
  },
);

/** Bytes of the islands' scripts that the page loaded, as they were sent. */
async function scriptBytes(page: Page): Promise<number> {
  return await page.evaluate(() =>
    performance.getEntriesByType("resource").map((entry) => entry as PerformanceResourceTiming)
      .filter(({ name }) => name.includes("/_fresh/js/"))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)
  );
}

browserTest("rows are made compact, and stay so on the next page", async (site) => {
  const page = await site.open("/login");
  await site.signIn(page, "sam_staff", "/admin/groups");
  const height = () =>
    page.locator("tbody tr").first().evaluate((row) => row.getBoundingClientRect().height);
  const roomy = await height();
  const compact = page.getByLabel("Compact rows");
  // The island answers once it has revived.
  await page.waitForFunction(() => {
    if (document.documentElement.dataset.rows === "compact") return true;
    document.querySelector<HTMLInputElement>(".row-height input")!.click();
    return false;
  });
  expect(await height()).toBeLessThan(roomy);
  await follow(page, "text=Users");
  expect(new URL(page.url()).pathname).toBe("/admin/users");
  await page.waitForFunction(() =>
    document.querySelector<HTMLInputElement>(".row-height input")!.checked
  );
  expect(await page.getAttribute("html", "data-rows")).toBe("compact");
  await compact.click();
  await page.waitForFunction(() => document.documentElement.dataset.rows === "");
  expect(site.complaints).toEqual([]);
});

browserTest(
  "the organization switch acts at once, and without scripts by its button",
  async (site) => {
    for (const javaScriptEnabled of [true, false]) {
      const page = await site.open("/login", { javaScriptEnabled });
      await site.signIn(page, "sam_staff", "/admin/logs");
      await page.selectOption("select[name=organization]", "global-retail");
      if (!javaScriptEnabled) await page.click("text=Switch");
      await page.waitForURL(/\?organization=global-retail$/);
      await follow(page, "text=Devices");
      expect(await page.inputValue("select[name=organization]")).toBe("global-retail");
    }
    expect(site.complaints).toEqual([]);
  },
);

browserTest(
  "the filters of the log work without scripts, older and newer included",
  async (site) => {
    await syncForADay(site.app);
    const page = await site.open("/login", { javaScriptEnabled: false });
    await site.signIn(page, "sam_staff", "/admin/logs");
    const times = () =>
      page.locator("tbody time").evaluateAll((all) =>
        all.map((time) => time.getAttribute("datetime"))
      );
    const first = await times();
    await follow(page, "text=Older");
    expect(await times()).not.toEqual(first);
    await follow(page, "text=Newer");
    expect(await times()).toEqual(first);
    await page.selectOption("select[name=status]", "ERROR");
    await page.fill("input[name=model]", "myapp.Customer");
    await follow(page, "button:has-text('Filter')");
    const words = await page.locator("tbody .badge").allTextContents();
    expect(new Set(words.map((word) => word.trim()))).toEqual(new Set(["Failed"]));
    await follow(page, ".chips a:has-text('Status')");
    expect(new URL(page.url()).search).toBe("?model=myapp.Customer");
  },
);
