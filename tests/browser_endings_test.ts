import { expect } from "expect";
import type { Page } from "playwright-core";
import { browserSteps, type Site } from "./browser_support.ts";
import {
  aCustomer,
  customers,
  expectNotReloaded,
  isEditor,
  isViewer,
  openRecord,
  save,
  shows,
  stored,
} from "./collab_browser_support.ts";

const city = "[name='v.city']";
const saves = ".save-bar [type=submit]";

/** Ends the session of a page in another tab, and resolves when the page has heard of it. */
async function signOut({ app, origin }: Site, page: Page, tab: Page): Promise<void> {
  await tab.goto(`${origin}/admin`);
  await tab.evaluate(() =>
    document.querySelector<HTMLFormElement>("form[action='/logout']")!.requestSubmit()
  );
  await tab.waitForURL(/login/);
  await app.running.services.collab.recheck();
  await page.waitForSelector(".lock-state.is-ended:has-text('You are signed out')");
}

browserSteps("the page of a record keeps what was typed when it can no longer save it", {
  "who signs in again goes on with the input, unless somebody else edits by then": async (site) => {
    const id = await aCustomer(site);
    const ada = await openRecord(site, "admin", id);
    const tab = await ada.context().newPage();
    await ada.fill(city, "Typed before the end");
    await signOut(site, ada, tab);
    expect([await ada.isDisabled(city), await ada.isDisabled(saves)]).toEqual([true, true]);
    await ada.click("button:has-text('Try again')");
    await site.signIn(tab, "admin", "/admin");
    await ada.click("button:has-text('Try again')");
    await isEditor(ada);
    await shows(ada, "city", "Typed before the end");
    await save(ada);
    expect(await stored(site, id, "city")).toBe("Typed before the end");

    await ada.fill(city, "Typed before another came");
    await signOut(site, ada, tab);
    const sam = await openRecord(site, "sam_staff", id);
    await isEditor(sam);
    await site.signIn(tab, "admin", "/admin");
    await ada.evaluate(() => dispatchEvent(new Event("focus")));
    await isViewer(ada);
    await ada.waitForSelector(".kept-input:has-text('Typed before another came')");
    expect(await ada.isDisabled(city)).toBe(true);

    await signOut(site, ada, tab);
    await site.signIn(tab, "sam_staff", "/admin");
    await ada.evaluate(() => dispatchEvent(new Event("focus")));
    await ada.waitForSelector(".lock-state.is-ended:has-text('You are signed in as')");
    await expectNotReloaded(ada, sam);
  },

  "who may no longer work with the page keeps the input beside a form that is off": async (
    site,
  ) => {
    const id = await aCustomer(site);
    const sam = await openRecord(site, "sam_staff", id);
    await sam.fill(city, "Mine");
    const staff = (is: boolean) =>
      site.app.db.query(
        "UPDATE lockstep.app_user SET is_staff = $1 WHERE username = 'sam_staff'",
        [is],
      );
    await staff(false);
    try {
      await site.app.running.services.collab.recheck();
      await sam.waitForSelector(".lock-state.is-ended:has-text('You may no longer')");
      await sam.waitForSelector(".kept-input:has-text('Mine')");
      expect([await sam.isDisabled(city), await sam.isDisabled(saves)]).toEqual([true, true]);
    } finally {
      await staff(true);
    }
  },

  "a record that is deleted says so, with ways on and nothing to lock; input stays readable":
    async (
      site,
    ) => {
      const [{ id }] = await site.app.db.query<{ id: number }>(
        `INSERT INTO myapp.customer (organization_id, name)
      SELECT id, 'Soon gone' FROM lockstep.organization WHERE slug = 'acme-corp' RETURNING id`,
      );
      const sam = await openRecord(site, "sam_staff", id);
      const ada = await openRecord(site, "admin", id);
      await isViewer(ada);
      await sam.fill(city, "Typed before it went");
      await site.app.db.query("DELETE FROM myapp.customer WHERE id = $1", [id]);
      for (const page of [sam, ada]) {
        const bar = page.locator(".lock-bar");
        await bar.locator(".lock-state.is-deleted", { hasText: "deleted this record" }).waitFor();
        expect(await bar.locator("a").evaluateAll((links) => links.map((a) => a.textContent)))
          .toEqual(["Its history", "All records"]);
        expect(await bar.locator("button").count()).toBe(0);
        expect([await page.isDisabled(city), await page.isDisabled(saves)]).toEqual([true, true]);
      }
      await sam.waitForSelector(".kept-input:has-text('Typed before it went')");
      expect(await sam.locator(".kept-input button", { hasText: "Copy" }).count()).toBe(1);
      const [history, list] = await sam.locator(".lock-bar a").evaluateAll((links) =>
        links.map((a) => (a as HTMLAnchorElement).pathname)
      );
      expect([history, list]).toEqual([`${customers}${id}/history/`, customers]);
      expect(site.complaints).toEqual([]);
    },
});
