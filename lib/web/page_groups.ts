import { z } from "zod";
import type { AdminScope } from "../access/mod.ts";
import { type AdminVisit } from "./page_admin.ts";
import type { Connection } from "../db/mod.ts";
import { type ListSource, readItem } from "./list_page.ts";
import { groupList } from "./list_sources.ts";
import { addressFilter, filterText } from "./page_filter.ts";
import type { PageList } from "./page_sorted.ts";

/** A group as the pages show it, with what of it is in the reader's organizations. */
export interface GroupRow {
  id: number;
  name: string;
  description: string;
  created_at: Date;
  version: string;
  members: number;
  permissions: number;
  filters: number;
}

const query = z.object({
  q: filterText.optional(),
  sort: z.enum(["name", "-name", "created_at", "-created_at"]).optional(),
});

/** What the page's form asks for. */
export type GroupFilter = z.output<typeof query>;

function sourceOf({ scope, organization }: Pick<AdminVisit, "scope" | "organization">): ListSource {
  const own = organization ? [organization.id] : "all" in scope ? null : scope.organizationIds;
  const within = own ? `AND x.organization_id = ANY ('{${own.map(Number)}}'::int[])` : "";
  const count = (table: string, also = "") =>
    `(SELECT count(*)::int FROM lockstep.${table} x WHERE x.group_id = t.id ${also} ${within})`;
  return {
    ...groupList,
    fields: {
      ...groupList.fields,
      members: { type: "integer", sql: count("user_organization", "AND x.is_active") },
      permissions: {
        type: "integer",
        sql: count("model_permission", "AND (x.can_push OR x.can_pull)"),
      },
      filters: { type: "integer", sql: count("data_filter") },
    },
  };
}

/** The groups, which are the same in every organization; their counts are not. */
export const groupPages: PageList<GroupRow, GroupFilter> = {
  filter: addressFilter(query),
  source: sourceOf,
  query: (filter) => filter,
  columns: [
    ["id", (row) => row.id],
    ["name", (row) => row.name],
    ["description", (row) => row.description],
    ["members", (row) => row.members],
    ["permissions", (row) => row.permissions],
    ["filters", (row) => row.filters],
    ["created_at", (row) => row.created_at],
  ],
};

/** Every group, to choose from. */
export function allGroups(conn: Connection): Promise<{ id: number; name: string }[]> {
  return conn.query("SELECT id, name FROM lockstep.auth_group ORDER BY name");
}

/** The group with that number, with its counts in every organization of `scope`. */
export async function readGroup(
  conn: Connection,
  scope: AdminScope,
  id: number,
): Promise<GroupRow | undefined> {
  return await readItem(conn, scope, sourceOf({ scope }), id) as GroupRow | undefined;
}
