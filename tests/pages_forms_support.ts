import { expect } from "expect";
import type { Visitor } from "./pages_support.ts";
import type { TestApp } from "./support/app.ts";

/** The one row that a statement gives. */
export async function one<Row>(app: TestApp, sql: string, params: unknown[] = []): Promise<Row> {
  const [row] = await app.db.query<Row>(sql, params);
  return row;
}

export async function idOf(
  app: TestApp,
  table: string,
  column: string,
  value: string,
): Promise<number> {
  const { id } = await one<{ id: number }>(
    app,
    `SELECT id FROM lockstep.${table} WHERE ${column} = $1`,
    [value],
  );
  return id;
}

/** The hidden version of the form that a page shows. */
export function versionIn(html: string): string {
  return /name="version" value="([^"]+)"/.exec(html)![1];
}

/** The text of a page that is expected to be there. */
export async function html(someone: Visitor, path: string): Promise<string> {
  const answer = await someone.get(path);
  expect([path, answer.status]).toEqual([path, 200]);
  return await answer.text();
}

/** What comes of a form. */
export async function sent(
  someone: Visitor,
  path: string,
  form: Record<string, string>,
): Promise<[status: number, location: string | null, text: string]> {
  const answer = await someone.post(path, form);
  const text = await answer.text();
  return [
    answer.status,
    answer.headers.get("Location"),
    text.replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
  ];
}

/** The id of the organization with that slug. */
export async function organizationId(app: TestApp, slug: string): Promise<number> {
  return await idOf(app, "organization", "slug", slug);
}

/** The text of a page without its tags. */
export async function textOf(answer: Response): Promise<string> {
  const html = await answer.text();
  const main = /<main[\s\S]*<\/main>/.exec(html)?.[0] ?? html;
  return main.replaceAll(/<[^>]*>/g, " ").replaceAll(/&#39;|&quot;/g, '"').replaceAll(/\s+/g, " ");
}
