import { expect } from "expect";
import type { Page } from "playwright-core";
import { browserSteps, overflow, picture } from "./browser_support.ts";
import { aCustomer, customers, isViewer, openRecord } from "./collab_browser_support.ts";
import { activityForADay } from "./pages_activity_support.ts";

const start = "/admin?organization=acme-corp";

const style = (page: Page, selector: string, property: string) =>
  page.locator(selector).first().evaluate(
    (element, property) => getComputedStyle(element).getPropertyValue(property),
    property,
  );

/** Contrast of two colours as WCAG 2 computes it. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [r, g, b] = color.match(/[\d.]+/g)!.map((part) => {
      const c = Number(part) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light, dark] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

browserSteps("what is drawn can be seen", {
  "controls have borders of 3:1 on what is behind them, in light and dark": async (site) => {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await site.open("/login", { colorScheme, reducedMotion: "reduce" });
      await site.signIn(page, "sam_staff", start);
      await page.goto(`${site.origin}/admin/users/3`);
      const behind = await style(page, "body", "background-color");
      for (const control of ["input.form-control", ".form-check-input:not(:checked)"]) {
        const border = await style(page, `main ${control}`, "border-top-color");
        expect([colorScheme, control, contrast(border, behind) >= 3])
          .toEqual([colorScheme, control, true]);
      }
      await picture(page, `controls-${colorScheme}`);
    }
  },

  "with the system's colours a tick is a tick, and the legend keeps its own": async (site) => {
    await activityForADay(site.app);
    const page = await site.open("/login", { forcedColors: "active" });
    await site.signIn(page, "sam_staff", start);
    expect(await style(page, ".swatch.chart-pulls", "forced-color-adjust")).toBe("none");
    await page.goto(`${site.origin}/admin/permissions?organization=acme-corp`);
    expect(await style(page, ".matrix-cell .form-check-input:checked", "appearance")).toBe("auto");
    await picture(page, "forced-colors");
  },

  "no page scrolls sideways between a phone and a tablet": async (site) => {
    const page = await site.open("/login");
    await site.signIn(page, "sam_staff", start);
    for (const width of [576, 600, 639, 640, 700, 767, 768]) {
      await page.setViewportSize({ width, height: 800 });
      expect([width, await overflow(page)]).toEqual([width, 0]);
    }
  },

  "the head of a long table stays in sight": async (site) => {
    const page = await site.open("/login", { viewport: { width: 1280, height: 600 } });
    await site.signIn(page, "sam_staff", start);
    await page.goto(`${site.origin}${customers}`);
    const rows = page.locator(".table-responsive tbody tr");
    await rows.last().scrollIntoViewIfNeeded();
    const head = await page.locator(".table-responsive thead th").nth(1).boundingBox();
    const last = await rows.last().boundingBox();
    await picture(page, "sticky-head");
    expect([await rows.count() > 15, head!.y >= 48, last!.y > head!.y, last!.y < 600])
      .toEqual([true, true, true, true]);
  },

  "what has the focus is not under the bar that sticks": async (site) => {
    const page = await openRecord(site, "sam_staff", await aCustomer(site), {
      viewport: { width: 800, height: 500 },
      reducedMotion: "reduce",
    });
    await page.focus("[name='v.name']");
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      const hidden = await page.evaluate(() => {
        const focused = document.activeElement!;
        if (!focused.closest(".record-fields")) return false;
        return focused.getBoundingClientRect().bottom >
          document.querySelector(".save-bar")!.getBoundingClientRect().top;
      });
      expect([i, hidden]).toEqual([i, false]);
    }
  },

  "a viewer on a phone has no button that does nothing; paper has the page alone, in light": async (
    site,
  ) => {
    const id = await aCustomer(site);
    await openRecord(site, "sam_staff", id);
    const ada = await openRecord(site, "admin", id, {
      viewport: { width: 360, height: 740 },
      colorScheme: "dark",
    });
    await isViewer(ada);
    expect(await ada.isVisible(".save-bar [type=submit]")).toBe(false);
    expect(await ada.isVisible(".save-bar .changed-count")).toBe(false);
    await picture(ada, "viewer-phone");
    await ada.emulateMedia({ media: "print" });
    for (const part of [".topbar", ".sidebar", ".save-bar", ".live-corner"]) {
      expect([part, await ada.isVisible(part)]).toEqual([part, false]);
    }
    expect(await style(ada, "body", "background-color")).toBe("rgb(255, 255, 255)");
    expect(await style(ada, "[name='v.name']", "color")).toBe("rgb(0, 0, 0)");
    await picture(ada, "print");
  },
});
