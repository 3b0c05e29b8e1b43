import { z } from "zod";
import { type AdminScope, notFound, organizationIn } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { type ListSource, readItem } from "./list_page.ts";
import { filterList, permissionList } from "./list_sources.ts";
import { addressFilter, filterText } from "./page_filter.ts";
import type { PageList } from "./page_sorted.ts";

/** A data filter, or a permission with a filter, as the list shows it. */
export interface ListedFilter {
  /** `filter-5` or `permission-7`. */
  id: string;
  kind: "filter" | "permission";
  organization_id: number;
  organization_slug: string;
  group_id: number;
  group_name: string;
  model: string;
  /** Empty for a permission's. */
  name: string;
  condition: unknown;
  is_active: boolean;
}

/** The columns that name a right, in both sources. */
const { organization_id, organization_slug, group_id, group_name, model } = filterList.fields;

const source: ListSource = {
  from: `(
      SELECT 'filter' AS kind, id, organization_id, group_id, model_name, filter_name,
        filter_condition, is_active
      FROM lockstep.data_filter
      UNION ALL
      SELECT 'permission', id, organization_id, group_id, model_name, '', filters,
        can_push OR can_pull
      FROM lockstep.model_permission WHERE filters NOT IN ('null', '{}', '[]')
    ) t
    JOIN lockstep.organization o ON o.id = t.organization_id
    JOIN lockstep.auth_group g ON g.id = t.group_id`,
  fields: {
    id: { sql: "(t.kind || '-' || t.id)", type: "text" },
    kind: { sql: "t.kind", type: "text", filter: true },
    organization_id,
    organization_slug,
    group_id,
    group_name,
    model,
    name: { sql: "t.filter_name", type: "text", sort: true, search: true },
    condition: { sql: "t.filter_condition", type: "json" },
    is_active: { sql: "t.is_active", type: "boolean", filter: true },
  },
  key: { field: "id", type: "text" },
  sort: "model",
  within: (scope, add) => organizationIn(scope, "t.organization_id", add),
};

const sorts = ["model", "group_name", "name"].flatMap((name) => [name, `-${name}`]);

const query = z.object({
  q: filterText.optional(),
  model: filterText.optional(),
  group_id: z.string().regex(/^[1-9]\d{0,8}$/, "Must be the number of a group.").transform(Number)
    .pipe(z.int()).optional(),
  state: z.enum(["active", "inactive"]).optional(),
  sort: z.enum(sorts).optional(),
});

/** What the page's form asks for. */
export type RowFilterQuery = z.output<typeof query>;

/** The row filters, of permissions and data filters alike. */
export const rowFilterPages: PageList<ListedFilter, RowFilterQuery> = {
  filter: addressFilter(query),
  source: () => source,
  query: ({ state, ...asked }, { organization }) => ({
    ...asked,
    is_active: state && state === "active",
    organization_id: organization?.id,
  }),
  columns: [
    ["kind", (row) => row.kind],
    ["organization", (row) => row.organization_slug],
    ["group", (row) => row.group_name],
    ["model", (row) => row.model],
    ["name", (row) => row.name],
    ["condition", (row) => JSON.stringify(row.condition)],
    ["is_active", (row) => row.is_active],
  ],
};

/** A row of either list. */
interface StoredFilter {
  id: number;
  version: string;
  organization_id: number;
  organization_slug: string;
  group_id: number;
  group_name: string;
  model: string;
  name?: string;
  condition?: unknown;
  filters?: unknown;
  is_active?: boolean;
}

/** What a filter's form is about: a stored data filter or permission, or a data filter to be. */
export interface FilterTarget {
  kind: "filter" | "permission";
  /** Undefined for one to be. */
  id?: number;
  version: string;
  organization: { id: number; slug: string };
  group: { id: number; name: string };
  model: string;
  name: string;
  condition: unknown;
  isActive: boolean;
}

/**
 * The filter of that name in an address: `filter-5` or `permission-7`.
 *
 * @throws LockstepError `not_found`
 */
export async function readFilterTarget(
  conn: Connection,
  scope: AdminScope,
  name: string,
): Promise<FilterTarget> {
  const [, kind, id] = /^(filter|permission)-([1-9]\d{0,8})$/.exec(name) ?? [];
  const list = kind === "permission" ? permissionList : filterList;
  const row = kind && await readItem(conn, scope, list, id);
  if (!row) throw notFound("filter", name);
  const item = row as unknown as StoredFilter;
  return {
    kind: kind as FilterTarget["kind"],
    id: item.id,
    version: item.version,
    organization: { id: item.organization_id, slug: item.organization_slug },
    group: { id: item.group_id, name: item.group_name },
    model: item.model,
    name: item.name ?? "",
    condition: kind === "permission" ? item.filters : item.condition,
    isActive: item.is_active ?? true,
  };
}
