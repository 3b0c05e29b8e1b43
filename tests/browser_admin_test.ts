import { expect } from "expect";
import { axeViolations, browserTest, looks, overflow, picture } from "./browser_support.ts";
import { syncForADay } from "./pages_admin_support.ts";

const pages: [title: string, path: string][] = [
  ["dashboard", "/admin"],
  ["logs", "/admin/logs"],
  ["logs-filtered", "/admin/logs?status=ERROR&model=myapp.Customer"],
  ["logs-empty", "/admin/logs?device=none"],
  ["devices", "/admin/devices"],
  ["models", "/admin/models"],
  ["organizations", "/admin/organizations"],
  ["organization", "/admin/organizations/1"],
  ["users", "/admin/users"],
  ["user", "/admin/users/3"],
  ["group", "/admin/groups/2"],
  ["filters", "/admin/filters"],
  ["filter", "/admin/filters/filter-1"],
  ["explain", "/admin/explain?user=mary_sales&organization=global-retail&model=myapp.Customer"],
  ["settings", "/admin/settings"],
  ["settings-section", "/admin/settings/SYNC"],
];

for (const { name, ...look } of looks) {
  browserTest(`the admin has no violations of axe's rules: ${name}`, async (site) => {
    await syncForADay(site.app);
    const page = await site.open("/login", { ...look, bypassCSP: true });
    await site.signIn(page, "sam_staff", "/admin");
    for (const [title, path] of pages) {
      await page.goto(site.origin + path);
      await picture(page, `${title}-${name}`);
      expect([title, await axeViolations(page), await overflow(page)]).toEqual([title, [], 0]);
    }
  });
}

browserTest(
  "the organization switch acts at once, and without scripts by its button",
  async (site) => {
    for (const javaScriptEnabled of [true, false]) {
      const page = await site.open("/login", { javaScriptEnabled });
      await site.signIn(page, "sam_staff", "/admin/logs");
      await page.selectOption("select[name=organization]", "global-retail");
      if (!javaScriptEnabled) await page.click("text=Switch");
      await page.waitForURL(/\?organization=global-retail$/);
      await page.click("text=Devices");
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
    await page.click("text=Older");
    expect(await times()).not.toEqual(first);
    await page.click("text=Newer");
    expect(await times()).toEqual(first);
    await page.selectOption("select[name=status]", "ERROR");
    await page.fill("input[name=model]", "myapp.Customer");
    await page.click("button:has-text('Filter')");
    const words = await page.locator("tbody .badge").allTextContents();
    expect(new Set(words.map((word) => word.trim()))).toEqual(new Set(["Failed"]));
    await page.click(".chips a:has-text('Status')");
    expect(new URL(page.url()).search).toBe("?model=myapp.Customer");
  },
);
