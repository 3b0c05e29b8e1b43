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
import { makeAdministrator } from "./pages_admin_support.ts";

const path = "/admin/permissions";

async function openMatrix(
  site: Site,
  options: Parameters<Site["open"]>[1] = {},
  organization = "acme-corp",
): Promise<Page> {
  const page = await site.open("/login", options);
  await site.signIn(page, "sam_staff", `${path}?organization=${organization}`);
  if (options.javaScriptEnabled !== false) await page.waitForFunction(isAlive);
  return page;
}

/** The island measures its window when it is revived. */
function isAlive(): boolean {
  return [...document.querySelectorAll(".matrix-news, .matrix-saved")].length > 0 &&
    Object.keys(document.querySelector(".matrix-table")!).length > 0;
}

function box(page: Page, name: string) {
  return page.getByRole("checkbox", { name, exact: true });
}

async function saved(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    /Saved \d+ s ago/.test(document.querySelector(".matrix-status")!.textContent!) &&
    !document.querySelector(".is-saving")
  );
}

/** Resolves when the keyboard is at the box of that name. */
async function focusesOn(page: Page, name: string | RegExp): Promise<void> {
  await page.waitForFunction(
    (source) => new RegExp(source).test(document.activeElement!.getAttribute("aria-label") ?? ""),
    typeof name === "string" ? `^${name}$` : name.source,
  );
}

async function stored(site: Site, group: string, model: string, organization = "acme-corp") {
  const [row] = await site.app.db.query<{ push: boolean; pull: boolean }>(
    `SELECT can_push AS push, can_pull AS pull FROM lockstep.model_permission p
    JOIN lockstep.organization o ON o.id = p.organization_id
    JOIN lockstep.auth_group g ON g.id = p.group_id
    WHERE (o.slug, g.name, p.model_name) = ($1::text, $2::text, $3::text)`,
    [organization, group, model],
  );
  return row && [row.push, row.pull];
}

for (const { name, ...look } of looks) {
  browserTest(`the permission matrix has no violations of axe's rules: ${name}`, async (site) => {
    const page = await openMatrix(site, { ...look, bypassCSP: true }, "global-retail");
    await picture(page, `permissions-${name}`);
    expect([await axeViolations(page), await overflow(page)]).toEqual([[], 0]);

    await page.click(".matrix-menu >> nth=1");
    await picture(page, `permissions-templates-${name}`);
    expect(await axeViolations(page)).toEqual([]);
    await page.keyboard.press("Escape");

    await box(page, "All: pull for Sales").click();
    await page.waitForSelector("dialog[open]");
    await picture(page, `permissions-removal-${name}`);
    expect([await axeViolations(page), await overflow(page)]).toEqual([[], 0]);
    await page.click("dialog >> text=Change nothing");

    await page.context().setOffline(true);
    await box(page, "Analysts: push myapp.Order").click();
    await page.waitForSelector(".is-failed");
    await picture(page, `permissions-failed-${name}`);
    expect([await axeViolations(page), await overflow(page)]).toEqual([[], 0]);
  });
}

browserTest(
  "a right that is toggled is saved at once and is there after a reload",
  async (site) => {
    const page = await openMatrix(site);
    const name = "Analysts: push myapp.Order";
    expect(await box(page, name).isChecked()).toBe(false);
    await box(page, name).click();
    await saved(page);
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([true, true]);
    await page.reload();
    expect(await box(page, name).isChecked()).toBe(true);
    const [event] = await site.app.db.query<{ actor: string; source: string }>(
      `SELECT actor, source FROM lockstep.audit_event WHERE model = 'lockstep.ModelPermission'
    ORDER BY id DESC LIMIT 1`,
    );
    expect(event).toEqual({ actor: "sam_staff", source: "admin" });
    expect(site.complaints).toEqual([]);
  },
);

browserTest("rights clicked in quick succession are all saved", async (site) => {
  const page = await openMatrix(site);
  const names = ["Customer", "Order", "Product", "Customer"];
  await page.evaluate((names) => {
    for (const name of names) {
      document.querySelector<HTMLElement>(`[aria-label="Analysts: push myapp.${name}"]`)!.click();
    }
  }, names);
  await saved(page);
  const rights = await Promise.all(
    names.map((name) => stored(site, "Analysts", `myapp.${name}`)),
  );
  expect(rights).toEqual([[false, true], [true, true], [true, true], [false, true]]);
});

browserTest(
  "select-all of a column, a group and a model are tri-state and undone by one step",
  async (site) => {
    const page = await openMatrix(site);
    const state = (name: string) =>
      box(page, name).evaluate((box: HTMLInputElement) =>
        box.indeterminate ? "some" : box.checked ? "all" : "none"
      );
    expect([await state("All: push for Analysts"), await state("All: push and pull for Analysts")])
      .toEqual(["none", "some"]);
    await box(page, "All: push for Analysts").click();
    await saved(page);
    expect([await state("All: push for Analysts"), await state("All: push and pull for Analysts")])
      .toEqual(["all", "all"]);
    await page.keyboard.press("Control+z");
    await page.waitForFunction(() =>
      !document.querySelector<HTMLInputElement>('[aria-label="All: push for Analysts"]')!.checked
    );
    await saved(page);
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([false, true]);

    expect(await state("All: groups for myapp.Order")).toBe("some");
    await box(page, "All: groups for myapp.Order").click();
    await saved(page);
    expect([
      await state("All: groups for myapp.Order"),
      await stored(site, "Read Only", "myapp.Order"),
    ])
      .toEqual(["all", [true, true]]);

    await box(page, "All: push and pull for Read Only").click();
    await saved(page);
    expect(await stored(site, "Read Only", "myapp.Customer")).toEqual([true, true]);
  },
);

browserTest("a template sets the rights of a group", async (site) => {
  const page = await openMatrix(site);
  await page.getByRole("button", { name: "Analysts: templates" }).click();
  await page.click(".matrix-templates >> text=Read and write");
  await saved(page);
  expect(await stored(site, "Analysts", "myapp.Order")).toEqual([true, true]);
  expect(await page.evaluate(() => document.activeElement!.textContent)).toContain("Analysts");
});

browserTest("the keyboard moves, toggles and selects ranges", async (site) => {
  const page = await openMatrix(site);
  await box(page, "Analysts: push myapp.Customer").focus();
  await page.keyboard.press("Space");
  await saved(page);
  expect(await stored(site, "Analysts", "myapp.Customer")).toEqual([true, true]);

  await page.keyboard.press("ArrowRight");
  await focusesOn(page, "Analysts: pull myapp.Customer");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowDown");
  await focusesOn(page, /^Analysts: push myapp\.(?!Customer)/);
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  expect(await page.locator(".is-selected").count()).toBe(3);
  const names = await page.locator(".is-selected input").evaluateAll((boxes) =>
    boxes.map((box) => box.getAttribute("aria-label")!.replace(/^.* /, ""))
  );
  await page.keyboard.press("Space");
  await saved(page);
  for (const name of names) {
    expect([name, (await stored(site, "Analysts", name))![0]]).toEqual([name, true]);
  }
  await page.keyboard.press("Escape");
  expect(await page.locator(".is-selected").count()).toBe(0);

  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await focusesOn(page, "All: push and pull for Administrators");
  await page.keyboard.press("ArrowRight");
  await focusesOn(page, "All: push and pull for Managers");
  await page.keyboard.press("ArrowDown");
  await focusesOn(page, "All: push for Managers");
});

browserTest("shift and a click set a rectangle of rights", async (site) => {
  const page = await openMatrix(site);
  await box(page, "Analysts: push myapp.Customer").click();
  await saved(page);
  await box(page, "Analysts: push myapp.Order").click({ modifiers: ["Shift"] });
  await saved(page);
  const [{ count }] = await site.app.db.query<{ count: number }>(
    `SELECT count(*) FROM lockstep.model_permission p
    JOIN lockstep.organization o ON o.id = p.organization_id
    JOIN lockstep.auth_group g ON g.id = p.group_id
    WHERE o.slug = 'acme-corp' AND g.name = 'Analysts' AND p.can_push
      AND p.model_name BETWEEN 'myapp.Customer' AND 'myapp.Order'`,
  );
  expect(count).toBe(await page.locator(".is-selected").count());
});

browserTest("taking rows away shows who loses them and asks", async (site) => {
  const page = await openMatrix(site);
  const name = "Managers: pull myapp.Customer";
  await box(page, name).click();
  await page.waitForSelector("dialog[open]");
  const words = await page.textContent("dialog");
  expect(words).toContain("john_manager");
  expect(words).toMatch(/myapp\.Customer/);
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog[open]", { state: "detached" });
  await box(page, name).and(page.locator(":checked")).waitFor();
  expect(await stored(site, "Managers", "myapp.Customer")).toEqual([true, true]);

  await box(page, name).click();
  await page.click("text=Take away 1 right");
  await saved(page);
  expect(await stored(site, "Managers", "myapp.Customer")).toEqual([true, false]);
  await page.click("button:has-text('Undo')");
  await page.waitForFunction(
    (name) => document.querySelector<HTMLInputElement>(`[aria-label="${name}"]`)!.checked,
    name,
  );
  await saved(page);
  expect(await stored(site, "Managers", "myapp.Customer")).toEqual([true, true]);
});

browserTest(
  "a right that cannot be saved stays marked with the reason until it is tried again",
  async (site) => {
    const page = await openMatrix(site);
    const name = "Analysts: push myapp.Order";
    await page.context().setOffline(true);
    await box(page, name).click();
    await page.waitForSelector(".is-failed");
    expect(await page.textContent(".matrix-status")).toContain("The server cannot be reached.");
    expect(await box(page, name).getAttribute("aria-invalid")).toBe("true");
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([false, true]);
    await page.context().setOffline(false);
    await page.click("text=Try again");
    await saved(page);
    expect(await page.locator(".is-failed").count()).toBe(0);
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([true, true]);

    await page.context().setOffline(true);
    await box(page, name).click();
    await page.waitForSelector(".is-failed");
    await page.click("text=Discard");
    expect(await box(page, name).isChecked()).toBe(true);
  },
);

browserTest("what another admin changes appears, and says who it was", async (site) => {
  const [sam, ada] = [await openMatrix(site), await site.open("/login")];
  await site.signIn(ada, "admin", `${path}?organization=acme-corp`);
  await ada.waitForFunction(isAlive);
  const name = "Analysts: push myapp.Order";
  await box(ada, name).click();
  await saved(ada);
  await sam.waitForFunction(
    (name) => document.querySelector<HTMLInputElement>(`[aria-label="${name}"]`)!.checked,
    name,
  );
  await sam.locator(".matrix-news", { hasText: `admin granted ${name}` }).waitFor();
  expect(await box(sam, name).locator("xpath=ancestor::td").getAttribute("title"))
    .toContain("changed by admin");
  // Each knows what the other did: neither writes over it.
  await box(sam, "Analysts: pull myapp.Order").click();
  await saved(sam);
  expect(await stored(site, "Analysts", "myapp.Order")).toEqual([true, false]);
});

browserTest(
  "a change made on what another changed meanwhile is not saved, and says so",
  async (site) => {
    const page = await openMatrix(site);
    // Between what the page knows and what it sends, somebody else takes the right to pull.
    await page.route("**/api/admin/audit/*", (route) => route.abort());
    // A question for changes that was under way before would still bring the news.
    await page.reload();
    await page.waitForFunction(isAlive);
    await site.app.db.transaction(
      { settings: { "lockstep.actor": "admin", "lockstep.source": "admin" } },
      (tx) =>
        tx.query(`UPDATE lockstep.model_permission p SET can_pull = false, updated_at = now()
        FROM lockstep.auth_group g, lockstep.organization o
        WHERE g.id = p.group_id AND o.id = p.organization_id AND g.name = 'Analysts'
          AND o.slug = 'acme-corp' AND p.model_name = 'myapp.Order'`),
    );
    const saving = page.waitForResponse((response) => response.status() === 412);
    await page.evaluate(() =>
      document.querySelector<HTMLElement>('[aria-label="Analysts: push myapp.Order"]')!.click()
    );
    await saving;
    await page.waitForSelector(".is-failed");
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([false, false]);
    await page.unroute("**/api/admin/audit/*");
    // What the other changed has to be known, or the next try would only find it out.
    await page.waitForFunction(() =>
      !document.querySelector<HTMLInputElement>('[aria-label="Analysts: pull myapp.Order"]')!
        .checked
    );
    await page.click("text=Try again");
    await saved(page);
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([true, false]);
  },
);

browserTest(
  "a filter tints and marks the cell; search and folds leave the rest",
  async (site) => {
    const page = await openMatrix(site, {}, "global-retail");
    const cell = box(page, "Sales: pull myapp.Customer, with a filter").locator(
      "xpath=ancestor::td",
    );
    expect(await cell.getAttribute("class")).toContain("is-filtered");
    expect(await cell.locator(".matrix-funnel").count()).toBe(1);
    await page.fill("[aria-label='Search models']", "orderI");
    expect(await page.locator(".matrix-model").allTextContents()).toEqual(["OrderItem"]);
    await page.fill("[aria-label='Search models']", "nothing like it");
    await page.click("text=Show all models");
    await page.click(".matrix-schema button");
    expect(await page.locator(".matrix-model").count()).toBe(0);
  },
);

browserTest(
  "without scripts the rights of a group are a form, which asks before it takes rows",
  async (site) => {
    const page = await openMatrix(site, { javaScriptEnabled: false });
    await page.selectOption("select[name=group]", { label: "Managers" });
    await follow(page, "text=Show");
    await page.uncheck("[aria-label='push myapp.Order']");
    await follow(page, "text=Save permissions of Managers");
    expect(await page.textContent(".alert")).toContain("The permissions of Managers are saved.");
    expect(await stored(site, "Managers", "myapp.Order")).toEqual([false, true]);

    await page.uncheck("[aria-label='pull myapp.Customer']");
    await follow(page, "text=Save permissions of Managers");
    expect(await page.textContent(".alert")).toContain("john_manager");
    expect(await stored(site, "Managers", "myapp.Customer")).toEqual([true, true]);
    await picture(page, "permissions-no-script");
    // What is confirmed is what was shown.
    await page.uncheck("[aria-label='pull myapp.Product']");
    await follow(page, "text=Save and take these rows away");
    expect(await page.textContent(".alert")).toContain("myapp.Product");
    expect(await stored(site, "Managers", "myapp.Customer")).toEqual([true, true]);
    await follow(page, "text=Save and take these rows away");
    expect(await stored(site, "Managers", "myapp.Customer")).toEqual([true, false]);
  },
);

browserTest(
  "of many models those are rendered that are looked at, and the keyboard stays in view",
  async (site) => {
    await site.app.db.script(`
    CREATE SCHEMA many;
    DO $$ BEGIN FOR n IN 100..249 LOOP
      EXECUTE format('CREATE TABLE many.thing_%s (id int PRIMARY KEY, organization_id int)', n);
    END LOOP; END $$`);
    const page = await openMatrix(site);
    expect(await page.locator(".matrix-model").count()).toBeLessThan(60);
    await box(page, "Sales: push many.Thing100").focus();
    await page.keyboard.press("Control+End");
    const inView = () =>
      page.evaluate(() => {
        const box = document.activeElement!.getBoundingClientRect();
        const around = document.querySelector(".matrix-scroll")!.getBoundingClientRect();
        const head = document.querySelector(".matrix-table thead")!.getBoundingClientRect();
        return box.top >= head.bottom && box.bottom <= around.bottom && box.right <= around.right;
      });
    await focusesOn(page, "Read Only: pull myapp.Report");
    expect(await inView()).toBe(true);
    for (let i = 0; i < 3; i++) await page.keyboard.press("PageUp");
    await focusesOn(page, "Read Only: pull many.Thing225");
    expect(await inView()).toBe(true);
    await page.keyboard.press("Space");
    await saved(page);
    expect(await stored(site, "Read Only", "many.Thing225")).toEqual([false, true]);

    await page.locator(".matrix-scroll").evaluate((scroller) => scroller.scrollTop = 1500);
    await page.waitForSelector("text=Thing140");
    await picture(page, "permissions-many");
    await focusesOn(page, "Read Only: pull many.Thing225");
  },
);

browserTest(
  "an administrator of one organization sees its matrix, and may change it",
  async (site) => {
    await makeAdministrator(site.app);
    const page = await site.open("/login");
    await site.signIn(page, "john_manager", path);
    await page.waitForFunction(isAlive);
    await box(page, "Analysts: push myapp.Order").click();
    await saved(page);
    expect(await stored(site, "Analysts", "myapp.Order")).toEqual([true, true]);
    const answer = await page.goto(`${site.origin}${path}?organization=global-retail`);
    expect(answer!.status()).toBe(403);
  },
);
