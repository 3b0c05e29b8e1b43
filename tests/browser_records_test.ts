import { expect } from "expect";
import type { Page } from "playwright-core";
import {
  axeViolations,
  browserTest,
  follow,
  looks,
  overflow,
  picture,
  type Site,
} from "./browser_support.ts";
import { until } from "./support/until.ts";

const list = "/admin/records/myapp/Customer/";

async function customer(site: Site, organization = "acme-corp"): Promise<number> {
  const [{ id }] = await site.app.db.query<{ id: number }>(
    `SELECT min(c.id) AS id FROM myapp.customer c
    JOIN lockstep.organization o ON o.id = c.organization_id WHERE o.slug = $1
      AND EXISTS (SELECT FROM myapp."order" x WHERE x.customer_id = c.id)`,
    [organization],
  );
  return id;
}

async function enter(
  site: Site,
  options: Parameters<Site["open"]>[1],
  path: string,
): Promise<Page> {
  const page = await site.open("/login", options);
  await site.signIn(page, "sam_staff", "/admin/records?organization=acme-corp");
  await page.goto(site.origin + path);
  if (options?.javaScriptEnabled !== false && path.endsWith("/change/")) await editing(page);
  return page;
}

/** The form is alive and has the lock: from then on a save is its own. */
async function editing(page: Page): Promise<void> {
  await page.waitForSelector("text=You are in editor mode.");
}

const column = async (site: Site, id: number, name: string) => {
  const [row] = await site.app.db.query(
    `SELECT ${name}::text AS value FROM myapp.customer WHERE id = $1`,
    [id],
  );
  return row?.value;
};

for (const { name, ...look } of looks) {
  browserTest(`the pages of records have no violations of axe's rules: ${name}`, async (site) => {
    const id = await customer(site);
    const [{ id: order }] = await site.app.db.query<{ id: number }>(
      `SELECT min(id) AS id FROM myapp."order" WHERE customer_id = $1`,
      [id],
    );
    const page = await enter(site, { ...look, bypassCSP: true }, "/admin/records");
    const seen = async (title: string) => {
      await picture(page, `records-${title}-${name}`);
      expect([title, await axeViolations(page), await overflow(page)]).toEqual([title, [], 0]);
    };
    await seen("models");
    for (
      const [title, path] of [
        ["list", list],
        ["list-filtered", `${list}?f.department=SALES&f.is_active=true&sort=-credit_limit`],
        ["list-empty", `${list}?q=nobody-has-this`],
        ["change", `${list}${id}/change/`],
        ["change-order", `/admin/records/myapp/Order/${order}/change/`],
        ["add", "/admin/records/myapp/OrderItem/add/"],
        ["delete", `/admin/records/myapp/Order/${order}/delete/`],
        ["delete-forbidden", `${list}${id}/delete/`],
        ["history-empty", `${list}${id}/history/`],
        ["choose-organization", "/admin/records/myapp/Customer/add/?organization="],
        ["list-all", `${list}?organization=`],
      ]
    ) {
      await page.goto(site.origin + path);
      await seen(title);
    }
    await page.goto(`${site.origin}${list}?organization=acme-corp`);
    await page.click("summary:has-text('Filters')");
    await page.click("summary:has-text('Columns')");
    await seen("list-open");

    await page.goto(`${site.origin}${list}${id}/change/`);
    await editing(page);
    await page.fill("[name='v.age']", "200");
    await page.fill("[name='v.notes']", "{");
    await page.fill("[name='v.city']", "Nowhere");
    await page.fill("[name='v.notes']", "{}");
    await page.click(".save-bar button");
    await page.waitForSelector("text=The record was not saved");
    await seen("change-refused");

    await page.goto(`${site.origin}${list}${id}/change/`);
    await editing(page);
    await page.fill("[name='v.city']", "Mine");
    await page.fill("[name='v.phone']", "1");
    await site.app.db.query("UPDATE myapp.customer SET city = 'Theirs', age = 33 WHERE id = $1", [
      id,
    ]);
    await page.click(".save-bar button");
    await page.waitForSelector("text=Somebody else changed");
    await seen("conflict");
    await page.click("[name='keep.city'][value=yours]");
    await page.click(".save-bar button");
    await page.waitForSelector("text=Saved. Changed:");
    await seen("saved");
    await follow(page, "text=History");
    await seen("history");
  });
}

browserTest("a list is searched, filtered, sorted and paged without scripts", async (site) => {
  const page = await enter(site, { javaScriptEnabled: false }, list);
  const labels = () => page.locator("tbody tr td:first-child").allTextContents();
  const places = () =>
    page.locator("tbody tr td:first-child a").evaluateAll((links) =>
      links.map((link) => link.getAttribute("href"))
    );
  const first = await labels();
  expect(first.length).toBe(50);
  await follow(page, "text=Older");
  const second = await places();
  await follow(page, "text=Newer");
  expect(await labels()).toEqual(first);
  const before = await places();
  expect(second.filter((place) => before.includes(place))).toEqual([]);

  await page.click("summary:has-text('Filters')");
  await page.selectOption("[name='f.department']", "SALES");
  await page.selectOption("[name='f.is_active']", "true");
  await follow(page, "text=Apply filters");
  expect(new URL(page.url()).searchParams.get("f.department")).toBe("SALES");
  const chips = await page.locator(".chips a").allInnerTexts();
  expect(chips.map((text) => text.trim().replaceAll(/\s+/g, " "))).toEqual([
    "Department: SALES",
    "Is active: yes",
    "Clear all",
  ]);
  await follow(page, "th >> text=Name");
  const names = await labels();
  expect(new URL(page.url()).searchParams.get("f.department")).toBe("SALES");
  await follow(page, "th >> text=Name");
  expect((await labels())[0]).not.toBe(names[0]);
  await follow(page, "text=Department: SALES");
  expect(new URL(page.url()).searchParams.has("f.department")).toBe(false);
  await follow(page, "text=Is active: yes");

  await page.click("summary:has-text('Columns')");
  for (const name of ["phone", "email"]) await page.uncheck(`[name=columns][value=${name}]`);
  await page.check("[name=columns][value=city]");
  await follow(page, "text=Show these columns");
  const heads = (await page.locator("thead th").allInnerTexts()).map((text) => text.trim());
  expect(heads).toContain("City");
  expect(heads).not.toContain("Phone");

  await page.fill("[name=q]", first[0].trim());
  await follow(page, "button:has-text('Search')");
  expect((await labels()).length).toBeGreaterThan(0);
  expect(site.complaints).toEqual([]);
});

browserTest(
  "a record is changed, with every field that changed named, and unchanged not written",
  async (site) => {
    const id = await customer(site);
    for (const javaScriptEnabled of [true, false]) {
      const page = await enter(site, { javaScriptEnabled }, `${list}${id}/change/`);
      const version = () =>
        site.app.db.query(`SELECT xmin::text, * FROM myapp.customer WHERE id = $1`, [id]);
      const before = await version();
      await page.click(".save-bar button");
      await page.waitForSelector("text=Nothing was changed");
      expect(await version()).toEqual(before);

      const city = `Springfield ${javaScriptEnabled}`;
      await page.fill("[name='v.city']", city);
      await page.fill(
        "[name='v.notes']",
        `{"big": 12345678901234567890, "js": ${javaScriptEnabled}}`,
      );
      await page.fill("[name='v.phone']", "");
      if (await page.isChecked("[name='null.phone']")) await page.uncheck("[name='null.phone']");
      if (javaScriptEnabled) {
        expect(await page.textContent(".changed-count")).toBe("3 fields changed");
        await page.fill("[name='v.notes']", "{");
        expect(await page.textContent(".json-problem")).toContain("This is not JSON");
        await page.fill("[name='v.notes']", `{"big": 12345678901234567890, "js": true}`);
      }
      await page.click(".save-bar button");
      await page.waitForSelector("text=Saved. Changed:");
      expect(await page.textContent("[role=status]")).toContain("City");
      expect(await column(site, id, "city")).toBe(city);
      expect(await column(site, id, "phone")).toBe("");
      expect(await column(site, id, "notes ->> 'big'")).toBe("12345678901234567890");
      await page.check("[name='null.phone']");
      await page.click(".save-bar button");
      await page.waitForSelector("text=Saved. Changed: Phone.");
      expect(await column(site, id, "phone")).toBe(null);
      await page.fill("[name='v.phone']", "+1");
      await page.click(".save-bar button");
      // The notice of the last save says the same.
      await until(async () => await column(site, id, "phone") === "+1");
    }
    expect(site.complaints).toEqual([]);
  },
);

browserTest("what two people changed is chosen field by field", async (site) => {
  const id = await customer(site);
  await site.app.db.query("UPDATE myapp.customer SET age = 43 WHERE id = $1", [id]);
  const page = await enter(site, { javaScriptEnabled: false }, `${list}${id}/change/`);
  await page.fill("[name='v.city']", "Mine");
  await page.fill("[name='v.country']", "Mine");
  await page.fill("[name='v.phone']", "Mine");
  await site.app.db.query(
    "UPDATE myapp.customer SET city = 'Theirs', country = 'Theirs', age = 44 WHERE id = $1",
    [id],
  );
  await follow(page, ".save-bar button");
  expect(await page.textContent("[role=status]")).toContain("Somebody else changed this record");
  expect(await column(site, id, "city")).toBe("Theirs");
  expect(await page.isChecked("[name='keep.age'][value=theirs]")).toBe(true);
  expect(await page.isChecked("[name='keep.phone'][value=yours]")).toBe(true);
  await page.check("[name='keep.city'][value=yours]");
  await page.check("[name='keep.country'][value=theirs]");
  await page.click(".save-bar button");
  await page.waitForSelector("text=Saved. Changed: Phone, City.");
  for (
    const [name, value] of [["city", "Mine"], ["country", "Theirs"], ["phone", "Mine"], [
      "age",
      "44",
    ]]
  ) {
    expect([name, await column(site, id, name)]).toEqual([name, value]);
  }
});

browserTest(
  "a record is added with a picked reference, its history kept, deleted and brought back",
  async (site) => {
    const page = await enter(site, {}, "/admin/records/myapp/Report/add/");
    await page.fill("[name='v.report_type']", "Weekly");
    const own = await customer(site);
    const name = await column(site, own, "name") as string;
    // The search in the page's head is a combobox too.
    const picker = page.locator(".record-picker").first();
    await picker.locator("[role=combobox]").fill(name.slice(0, 6));
    await picker.locator("[role=option]").first().waitFor();
    await picker.locator("[role=combobox]").press("Enter");
    const chosen = await page.inputValue("[name='v.customer_id']");
    expect(chosen).not.toBe("");
    await page.click("button:has-text('Add record')");
    await page.waitForSelector("text=The record was added");
    await editing(page);
    const label = await page.textContent(".picked a");
    expect(label).not.toBe("");
    // The name follows the key that a script puts there, as when somebody else saves.
    const key = await page.evaluate(() => {
      const input = document.querySelector<HTMLInputElement>("[name='v.customer_id']")!;
      const { value } = input;
      for (const text of ["", value]) {
        input.value = text;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }
      return value;
    });
    await page.locator(`.picked a[href$="/${key}/change/"]`, { hasText: label! }).waitFor();

    // Another organization's customer cannot be referred to.
    await page.fill("[name='v.customer_id']", String(await customer(site, "global-retail")));
    await page.click(".save-bar button");
    await page.waitForSelector("text=customer_id refers to a row that does not exist.");

    const record = page.url().replace(/change\/.*/, "");
    await page.goto(`${record}change/`);
    await editing(page);
    await page.fill("[name='v.results']", "Fine");
    await page.click(".save-bar button");
    await page.waitForSelector("text=Saved. Changed: Results.");
    await follow(page, "text=History");
    expect(await page.locator(".record-history > li").count()).toBe(2);
    await follow(page, "text=Revert");
    await page.waitForSelector("text=The change was reverted");
    expect(await page.inputValue("[name='v.results']")).toBe("");
    await follow(page, "text=Delete");
    await follow(page, "button:has-text('Delete the record')");
    await page.waitForSelector("text=Deleted");
    await follow(page, "text=Bring it back from its history");
    await page.click("text=Bring back");
    await page.waitForURL(/\/change\/\?reverted$/);
    expect(await page.inputValue("[name='v.report_type']")).toBe("Weekly");
  },
);

browserTest("unsaved input is kept when the server refuses it", async (site) => {
  const id = await customer(site);
  const page = await enter(site, {}, `${list}${id}/change/`);
  await page.fill("[name='v.age']", "151");
  await page.fill("[name='v.city']", "Kept");
  await page.click(".save-bar button");
  await page.waitForSelector("text=The record was not saved");
  expect(await page.inputValue("[name='v.city']")).toBe("Kept");
  expect(await page.textContent("[data-name=age] .invalid-feedback")).toContain(
    "customer_age_check",
  );
  await page.fill("[name='v.age']", "50");
  await page.click(".save-bar button");
  await page.waitForSelector("text=Saved. Changed: Age, City.");
});

browserTest(
  "a link to a record leads staff there whichever organization they chose",
  async (site) => {
    const page = await enter(site, {}, "/admin/records?organization=acme-corp");
    const id = await customer(site, "global-retail");
    const path = `${site.origin}/admin/records/myapp/Customer/${id}`;
    for (const part of ["change/", "history/", "delete/"]) {
      expect([part, (await page.goto(`${path}/${part}`))!.status()]).toEqual([part, 200]);
    }
    await page.goto(`${path}/change/`);
    await editing(page);
    await page.fill("[name='v.city']", "Elsewhere");
    await page.click(".save-bar button");
    await page.waitForSelector("text=Saved. Changed: City.");
    expect(await column(site, id, "city")).toBe("Elsewhere");
    expect((await page.goto(`${path}/change/?organization=acme-corp`))!.status()).toBe(404);
  },
);

browserTest(
  "text that is written from right to left stands so, in the list and in the form",
  async (site) => {
    const id = await customer(site);
    await site.app.db.query("UPDATE myapp.customer SET name = 'שלום עולם' WHERE id = $1", [id]);
    const page = await enter(site, {}, `/admin/records/myapp/Customer/${id}/change/`);
    const direction = (selector: string) =>
      page.locator(selector).first().evaluate((element) => getComputedStyle(element).direction);
    expect([
      await direction("h1"),
      await direction("[name='v.name']"),
      await direction("[name='v.city']"),
    ])
      .toEqual(["rtl", "rtl", "ltr"]);
    await page.goto(`${site.origin}/admin/records/myapp/Customer/?q=${encodeURIComponent("שלום")}`);
    expect(await direction("td a:has-text('שלום')")).toBe("rtl");
  },
);
