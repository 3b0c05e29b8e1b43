import { expect } from "expect";
import { axeViolations, browserTest, looks, overflow, picture } from "./browser_support.ts";

browserTest("ThemeSwitch works on the real pages under their policy", async (site) => {
  const page = await site.open("/", { colorScheme: "light" });
  const theme = () => page.getAttribute("html", "data-bs-theme");
  expect(await theme()).toBe("light");
  await page.selectOption("select[aria-label=Theme]", "dark");
  await page.waitForSelector("html[data-bs-theme=dark]");
  await page.click("text=Sign in");
  await page.waitForURL(/login/);
  expect(await theme()).toBe("dark");
  await page.waitForFunction(() => document.querySelector("select")!.value === "dark");
  await page.selectOption("select[aria-label=Theme]", "auto");
  await page.waitForSelector("html[data-bs-theme=light]");
  expect(site.complaints).toEqual([]);
});

browserTest("somebody signs in, sees their organizations, and signs out", async (site) => {
  for (const javaScriptEnabled of [true, false]) {
    const page = await site.open("/", { javaScriptEnabled });
    await page.click("text=Sign in");
    await page.fill("input[name=username]", "mary_sales");
    await page.fill("input[name=password]", "not the password");
    await page.press("input[name=password]", "Enter");
    expect(await page.textContent("#field-password-error")).toContain("No active user");
    expect(await page.inputValue("input[name=username]")).toBe("mary_sales");
    await site.signIn(page, "mary_sales");
    expect(await page.textContent("main")).toContain("Global Retail");
    await page.click("text=Sign out");
    await page.waitForURL(/\/login$/);
    await page.goto(`${site.origin}/`);
    expect(await page.textContent("main")).not.toContain("Global Retail");
  }
  // The refused form answers 422, which Chromium reports in its console.
  expect(site.complaints.filter((text) => !text.includes("422"))).toEqual([]);
});

for (const { name, ...look } of looks) {
  browserTest(`the public pages have no violations of axe's rules: ${name}`, async (site) => {
    const page = await site.open("/", { ...look, bypassCSP: true });
    const check = async (title: string) => {
      expect([title, await axeViolations(page), await overflow(page)]).toEqual([title, [], 0]);
      await picture(page, `${title}-${name}`);
    };
    await check("status");
    await page.goto(`${site.origin}/nothing/here`);
    await check("error");
    await page.goto(`${site.origin}/login`);
    await page.fill("input[name=username]", "mary_sales");
    await page.fill("input[name=password]", "not the password");
    await page.click("button[type=submit]");
    await page.waitForSelector("#field-password-error");
    await check("login");
    await site.signIn(page, "mary_sales");
    await check("status-signed-in");
  });
}
