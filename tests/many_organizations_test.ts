import { expect } from "expect";
import * as access from "../lib/access/mod.ts";
import { authenticate, codeOf, example, tokensOf } from "./access_support.ts";
import { axeViolations, browserTest, picture } from "./browser_support.ts";
import { signedIn } from "./pages_admin_support.ts";
import { html } from "./pages_forms_support.ts";
import { openDemoApp } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";
import { eachDatabase } from "./support/databases.ts";

const count = 150;

const insertMany = `
  INSERT INTO lockstep.organization (name, slug)
  SELECT 'Branch ' || to_char(i, 'FM000'), 'branch-' || i FROM generate_series(1, ${count}) i`;

eachDatabase("staff of many organizations are told some and find each", async ({ db }) => {
  const { userId, organizations } = await example(db);
  await db.query(insertMany);
  const principal = await authenticate(db, (await tokensOf(db)).token);
  const slugsOf = async (others?: number) =>
    (await access.membershipsOf(db, principal, others)).map(({ organization }) =>
      organization.slug
    );
  expect(await slugsOf()).toEqual(["acme-corp"]);
  expect(await access.membershipIn(db, principal, "branch-150")).toBeUndefined();
  expect(await access.membershipIn(db, principal, "acme-corp")).toMatchObject({
    organization: { id: organizations.get("acme-corp"), slug: "acme-corp" },
    groups: [{ name: "Managers" }],
  });

  await db.query("UPDATE lockstep.app_user SET is_staff = true WHERE id = $1", [userId]);
  // By name, and one's own in any case.
  expect(await slugsOf(2)).toEqual(["acme-corp", "branch-1"]);
  const own = "UPDATE lockstep.organization SET name = 'Zulu' WHERE slug = 'acme-corp'";
  await db.query(own);
  expect(await slugsOf(2)).toEqual(["branch-1", "branch-2", "acme-corp"]);
  expect((await slugsOf()).length).toBe(101);
  for (const slug of ["branch-150", "acme-corp"]) {
    const { organization } = await access.resolveMembership(db, principal, slug);
    expect(organization.slug).toBe(slug);
    expect(await access.membershipIn(db, principal, organization.id)).toMatchObject({
      organization,
    });
  }
  expect((await access.resolveMembership(db, principal, undefined)).organization.slug)
    .toBe("acme-corp");
  for (const slug of ["closed", "none", "branch-151"]) {
    expect(await codeOf(access.resolveMembership(db, principal, slug))).toBe("permission_denied");
    expect(await access.membershipIn(db, principal, slug)).toBeUndefined();
  }

  await db.query("DELETE FROM lockstep.user_organization WHERE user_id = $1", [userId]);
  const several = await access.resolveMembership(db, principal, undefined).catch((error) => error);
  expect(several.code).toBe("organization_required");
  expect(several.message).toContain("branch-20 and others.");
  expect(several.extra.organizations.length).toBe(100);
  // What the token was asked for holds, although it is not among the first.
  const organizationId = (await access.membershipIn(db, principal, "branch-150"))!.organization.id;
  const bound = await access.resolveMembership(db, { ...principal, organizationId }, undefined);
  expect(bound.organization.slug).toBe("branch-150");
});

/** Somebody in the last organization, with a row of theirs. */
async function openMany(): Promise<TestApp> {
  const app = await openDemoApp();
  await app.db.query(insertMany);
  await app.db.query(`
    INSERT INTO myapp.customer (organization_id, name)
    SELECT id, 'Customer of the last' FROM lockstep.organization WHERE slug = 'branch-150'`);
  return app;
}

Deno.test("pages do not list organizations by the hundred, and show the rows of all", async () => {
  await using app = await openMany();
  const sam = await signedIn(app, "sam_staff");
  const paths = ["", "/permissions", "/permissions/copy", "/filters", "/explain", "/users/new"];
  for (const path of [...paths, "/users/1", "/groups/1", "/records/myapp/Customer/add"]) {
    const text = await html(sam, `/admin${path}`);
    expect([path, text.split("branch-").length < 25]).toEqual([path, true]);
  }
  expect(await html(sam, "/admin/records/myapp/Customer/?q=Customer+of+the+last"))
    .toContain("Branch 150");
  expect(await html(sam, "/admin/permissions?organization=branch-150")).toContain("of Branch 150");
  const choices = async (q: string) =>
    (await (await sam.get(`/admin/organizations/choices?q=${q}`)).json())
      .map(({ value }: { value: string }) => value);
  expect(await choices("branch+149")).toEqual(["branch-149"]);
  expect((await choices("branch")).length).toBe(20);
});

browserTest("one of many organizations is chosen by a part of its name", async (site) => {
  await site.app.db.query(insertMany);
  const page = await site.open("/login", { bypassCSP: true });
  await site.signIn(page, "sam_staff", "/admin/permissions");
  const search = page.locator(".topbar [role=combobox][name=organization]");
  await search.fill("nch 149");
  await page.locator("#organization-switch-choices [role=option]").first().waitFor();
  await picture(page, "organizations-many");
  expect(await axeViolations(page)).toEqual([]);
  await search.press("Enter");
  await page.waitForURL("**/admin/permissions?organization=branch-149");
  expect(await search.inputValue()).toBe("branch-149");
  await search.fill("");
  await search.press("Enter");
  await page.waitForURL("**/admin/permissions?organization=");

  await page.goto(`${site.origin}/admin/users/new`);
  const field = page.locator("#field-organization");
  await field.fill("Branch 015");
  await page.locator("#field-organization-choices [role=option]").first().waitFor();
  await field.press("Enter");
  expect(await field.inputValue()).toBe("branch-15");
  expect(site.complaints).toEqual([]);
});
