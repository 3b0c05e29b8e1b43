import { expect } from "expect";
import type { BrowserContextOptions, Page } from "playwright-core";
import type { Site } from "./browser_support.ts";

export const customers = "/admin/records/myapp/Customer/";

let taken = 0;

/** A customer of Acme, of whom nobody has the page open yet. */
export async function aCustomer(site: Site): Promise<number> {
  const [{ id }] = await site.app.db.query<{ id: number }>(
    `SELECT c.id FROM myapp.customer c
    JOIN lockstep.organization o ON o.id = c.organization_id WHERE o.slug = 'acme-corp'
    ORDER BY c.id OFFSET $1 LIMIT 1`,
    [taken++],
  );
  return id;
}

export async function stored(site: Site, id: number, column: string): Promise<unknown> {
  const [row] = await site.app.db.query<{ value: unknown }>(
    `SELECT ${column}::text AS value FROM myapp.customer WHERE id = $1`,
    [id],
  );
  return row?.value;
}

/** Signs somebody in with a profile of their own, and opens the record; resolves when the page lives. */
export async function openRecord(
  site: Site,
  username: string,
  id: number,
  options?: BrowserContextOptions,
): Promise<Page> {
  const page = await site.open("/login", options);
  await site.signIn(page, username, "/admin/records?organization=acme-corp");
  await page.goto(`${site.origin}${customers}${id}/change/`);
  return await alive(page);
}

/** Resolves when the page's script has heard who edits. */
export async function alive(page: Page): Promise<Page> {
  await page.waitForSelector(".lock-state.is-editor, .lock-state.is-viewer");
  // A page that was loaded again would have lost this.
  await page.evaluate(() => (globalThis as { stayed?: boolean }).stayed = true);
  return page;
}

export async function expectNotReloaded(...pages: Page[]): Promise<void> {
  for (const page of pages) {
    expect(await page.evaluate(() => (globalThis as { stayed?: boolean }).stayed)).toBe(true);
  }
}

export const isEditor = (page: Page) => page.waitForSelector(".lock-state.is-editor");
export const isViewer = (page: Page) => page.waitForSelector(".lock-state.is-viewer");

/** Resolves when a field of the form shows the text. */
export async function shows(page: Page, column: string, text: string): Promise<void> {
  await page.waitForFunction(
    ([name, text]) =>
      (document.querySelector(`[name='v.${name}']`) as HTMLInputElement).value === text,
    [column, text],
  );
}

/** Resolves when one of the page's notices holds the text. */
export async function noticed(page: Page, text: string): Promise<void> {
  await page.locator("#record-notices", { hasText: text }).waitFor();
}

export async function save(page: Page): Promise<void> {
  await page.click(".save-bar [type=submit]");
  await noticed(page, "Saved. Changed:");
}
