import { expect } from "expect";
import type { Page } from "playwright-core";
import { axeViolations, browserTest, follow, picture, type Site } from "./browser_support.ts";

const filterForm = (group: number, model = "myapp.Customer") =>
  `/admin/filters/new?${new URLSearchParams({
    organization: "acme-corp",
    group_id: String(group),
    model,
  })}`;

async function group(site: Site, name: string): Promise<number> {
  const [{ id }] = await site.app.db.query<{ id: number }>(
    "SELECT id FROM lockstep.auth_group WHERE name = $1",
    [name],
  );
  return id;
}

async function openBuilder(
  site: Site,
  options: Parameters<Site["open"]>[1] = {},
): Promise<Page> {
  const page = await site.open("/login", options);
  await site.signIn(page, "sam_staff", "/admin");
  await page.goto(site.origin + filterForm(await group(site, "Managers")));
  if (options.javaScriptEnabled !== false) await page.waitForSelector("[data-alive]");
  return page;
}

async function salesRows(site: Site) {
  const [row] = await site.app.db.query<{ all: number; sales: number }>(
    `SELECT count(*) AS all, count(*) FILTER (WHERE c.department = 'SALES') AS sales
    FROM myapp.customer c JOIN lockstep.organization o ON o.id = c.organization_id
    WHERE o.slug = 'acme-corp'`,
  );
  return row;
}

browserTest(
  "the filter builder follows the column's type, and its preview what is typed",
  async (site) => {
    const page = await openBuilder(site, { bypassCSP: true });
    const { all, sales } = await salesRows(site);
    await page.fill("[name=name]", "Sales staff");
    await page.selectOption("[name='c0.field']", "is_active");
    await page.waitForSelector("select[name='c0.value'] option[value=true]", { state: "attached" });
    expect(
      await page.locator("[name='c0.operator'] option").evaluateAll((options) =>
        options.map((option) => (option as HTMLOptionElement).value)
      ),
    ).toEqual(["exact", "in", "isnull"]);
    await page.selectOption("[name='c0.field']", "department");
    await page.selectOption("select[name='c0.value']", "SALES");
    await page.waitForSelector(`.filter-preview strong:text-is("${sales} rows")`);
    expect(await page.textContent(".filter-changes")).toContain("john_manager");
    expect(await page.textContent(".is-loss")).toContain(`${all - sales} rows lost`);

    await page.click("text=Add a condition");
    await page.selectOption("[name='c1.field']", "age");
    await page.selectOption("[name='c1.operator']", "gte");
    await page.fill("input[name='c1.value']", "old");
    await page.waitForSelector(".filter-problem:has-text('needs a whole number')");
    await picture(page, "filter-problem");
    expect(await axeViolations(page)).toEqual([]);
    await page.click("[aria-label='Remove condition 2']");
    await page.waitForSelector(`.filter-preview strong:text-is("${sales} rows")`);

    await page.click("text=Save the filter");
    await page.waitForSelector("text=Saving takes rows away");
    await picture(page, "filter-losses");
    expect(await axeViolations(page)).toEqual([]);
    await page.click("text=Save and take these rows away");
    await page.waitForSelector("text=The filter is saved.");
    expect(await page.inputValue("[name='c0.value']")).toBe("SALES");
    expect(site.complaints.filter((text) => !text.includes("status of 4"))).toEqual([]);
  },
);

browserTest("a filter is built, previewed and saved without scripts", async (site) => {
  const page = await openBuilder(site, { javaScriptEnabled: false });
  const { sales } = await salesRows(site);
  await page.fill("[name=name]", "Sales staff");
  await page.selectOption("[name='c0.field']", "department");
  await page.selectOption("[name='c0.operator']", "exact");
  await page.fill("[name='c0.value']", "SALES");
  await follow(page, "text=Preview, and more lines");
  expect(await page.textContent(".filter-preview strong")).toBe(`${sales} rows`);
  await follow(page, "text=Save the filter");
  await follow(page, "text=Save and take these rows away");
  expect(await page.textContent(".alert-success")).toContain("The filter is saved.");
});

browserTest("the matrix leads to a cell's filters, and sets a schema at once", async (site) => {
  const page = await site.open("/login");
  await site.signIn(page, "sam_staff", "/admin/permissions?organization=global-retail");
  // The island marks when it has revived: its status line tells of the first answer.
  await page.waitForFunction(() =>
    Object.keys(document.querySelector(".matrix-table")!).length > 0
  );
  const all = page.getByRole("checkbox", { name: "All: push for Analysts in myapp", exact: true });
  await all.click();
  await page.waitForFunction(() =>
    /Saved \d+ s ago/.test(document.querySelector(".matrix-status")!.textContent!)
  );
  const [{ granted }] = await site.app.db.query<{ granted: number }>(
    `SELECT count(*) AS granted FROM lockstep.model_permission p
    JOIN lockstep.organization o ON o.id = p.organization_id
    JOIN lockstep.auth_group g ON g.id = p.group_id
    WHERE (o.slug, g.name) = ('global-retail', 'Analysts') AND can_push`,
  );
  expect(granted).toBeGreaterThan(2);
  expect(await all.isChecked()).toBe(true);

  await page.click("[aria-label='Filters of Sales: pull myapp.Customer']");
  await page.waitForURL(/\/admin\/filters\?organization=global-retail&group_id=\d+&model=myapp/);
  await page.click("text=Assigned to the user");
  await page.waitForSelector("[data-alive]");
  expect(await page.inputValue("[name='c0.value']")).toBe("$user.id");
  await page.waitForSelector(".filter-preview:has-text('With the values of mary_sales')");
  expect(site.complaints).toEqual([]);
});

browserTest("a user is created, moved and signed out without scripts", async (site) => {
  const page = await site.open("/login", { javaScriptEnabled: false });
  await site.signIn(page, "sam_staff", "/admin/users");
  await follow(page, "text=Create user");
  await page.fill("[name=username]", "new.person");
  await page.fill("[name=password]", "a quiet secret");
  await page.fill("[name=repeated]", "a quiet secret");
  await page.selectOption("form select[name=organization] >> nth=-1", {
    label: "Acme Corporation",
  });
  await page.selectOption("[name=group]", { label: "Managers" });
  await follow(page, "main button[type=submit]");
  expect(await page.textContent(".alert-success")).toContain("The user is created.");
  await follow(page, "text=Remove");
  expect(await page.textContent(".alert-warning")).toContain("Saving takes rows away");
  await follow(page, "text=Remove and take these rows away");
  expect(await page.textContent("#memberships")).toContain("in no group yet");
  await follow(page, "text=Sign out everywhere");
  expect(await page.textContent(".alert-success")).toContain("are ended");
});
