import type { Context } from "fresh";
import type { Tenant } from "../access/mod.ts";
import { readRecord } from "../sync/mod.ts";
import type { State } from "./define.ts";
import { listPage } from "./list_page.ts";
import { organizationList, userList } from "./list_sources.ts";
import { navigationFor } from "./page_navigation.ts";
import { modelPath, recordModels, recordPath, recordTitle, visitReach } from "./page_records.ts";

/** Something that the search in the top bar found. */
export interface Found {
  kind: "Page" | "Model" | "Record" | "Organization" | "User";
  label: string;
  /** What tells it from others of the same name. */
  note: string;
  href: string;
}

const mostOfAKind = 8;
/** Models in which a key is looked up. */
const mostModels = 5;

/**
 * Pages, models, organizations and users with `text` in their name, and records by a model's name and a key, as in
 * `customer 42`; of what the visitor administers.
 */
export async function searchAdmin({ state }: Context<State>, text: string): Promise<Found[]> {
  const q = text.trim().slice(0, 200).replaceAll("\0", "").toWellFormed();
  if (q === "") return [];
  const { services: { db, catalog: catalogs }, admin } = state;
  const { scope } = admin!;
  const catalog = await catalogs.current();
  const reach = await visitReach(db, admin!);
  const own = recordModels(catalog, reach);
  const models = own.filter(({ name }) => has(name, q)).slice(0, mostOfAKind);
  const found: Found[] = [
    ...await findRecords(state, reach, q),
    ...models.map((model): Found => ({
      kind: "Model",
      label: model.name,
      note: `${model.schema}.${model.table}`,
      href: modelPath(model),
    })),
    ...navigationFor(scope).flatMap(({ label: group, items }) =>
      items.filter(({ label }) => has(label, q)).map(({ label, href }): Found => ({
        kind: "Page",
        label,
        note: group,
        href,
      }))
    ),
  ];
  const users = await listPage(db, scope, userList, { q, limit: mostOfAKind });
  const organizations = await listPage(db, scope, organizationList, { q, limit: mostOfAKind });
  return [
    ...found,
    ...organizations.items.map(({ name, slug, id }): Found => ({
      kind: "Organization",
      label: String(name),
      note: String(slug),
      href: `/admin/organizations/${id}`,
    })),
    ...users.items.map(({ id, username, email }): Found => ({
      kind: "User",
      label: String(username),
      note: String(email),
      href: `/admin/users/${id}`,
    })),
  ];
}

async function findRecords({ services }: State, reach: Tenant, q: string): Promise<Found[]> {
  const [, name, key] = /^(\S+)[\s/#:]+(.+)$/.exec(q) ?? [];
  if (key === undefined) return [];
  const models = recordModels(await services.catalog.current(), reach);
  const exactly = models.filter((model) =>
    classOf(model.name).toLowerCase() === name.toLowerCase()
  );
  const candidates = exactly.length > 0 ? exactly : models.filter((model) => has(model.name, name));
  const found: Found[] = [];
  for (const model of candidates.slice(0, mostModels)) {
    const parts = model.key.length === 1 ? [key] : key.split(",").map((part) => part.trim());
    const record = await readRecord(services.db, model, reach, parts);
    if (!record) continue;
    found.push({
      kind: "Record",
      label: recordTitle(model, record),
      note: `${model.name} ${record.key.join(", ")}`,
      href: recordPath(model, record.key),
    });
  }
  return found;
}

function has(name: string, q: string): boolean {
  return name.toLowerCase().includes(q.toLowerCase());
}

function classOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}
