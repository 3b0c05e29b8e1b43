import { z } from "zod";
import type { AdminScope } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { listPage, readItem } from "./list_page.ts";
import { groupList, membershipList, organizationList } from "./list_sources.ts";
import { addressFilter, filterText } from "./page_filter.ts";
import type { PagePlace } from "./page_rows.ts";
import { type PageList, type SortedPage, sortedPage } from "./page_sorted.ts";
import type { MembershipRow } from "./page_users.ts";

/** An organization as the pages show it. */
export interface OrganizationRow {
  id: number;
  name: string;
  slug: string;
  description: string;
  is_active: boolean;
  members: number;
  created_at: Date;
  version: string;
}

const query = z.object({
  q: filterText.optional(),
  state: z.enum(["active", "inactive"]).optional(),
  sort: z.enum(["name", "-name", "slug", "-slug", "created_at", "-created_at"]).optional(),
});

/** What the page's form asks for. */
export type OrganizationFilter = z.output<typeof query>;

/** The organizations that are administered. */
export const organizationPages: PageList<OrganizationRow, OrganizationFilter> = {
  filter: addressFilter(query),
  source: () => organizationList,
  query: ({ state, ...filter }) => ({ ...filter, is_active: state && state === "active" }),
  columns: [
    ["id", (row) => row.id],
    ["name", (row) => row.name],
    ["slug", (row) => row.slug],
    ["description", (row) => row.description],
    ["is_active", (row) => row.is_active],
    ["members", (row) => row.members],
    ["created_at", (row) => row.created_at],
  ],
};

/** The organization with that number, or undefined when `scope` does not hold it. */
export async function readOrganization(
  conn: Connection,
  scope: AdminScope,
  id: number,
): Promise<OrganizationRow | undefined> {
  return await readItem(conn, scope, organizationList, id) as OrganizationRow | undefined;
}

/** A page of the memberships of an organization, by username. */
export function memberPage(
  conn: Connection,
  scope: AdminScope,
  organizationId: number,
  q: string | undefined,
  place: PagePlace,
): Promise<SortedPage<MembershipRow>> {
  return sortedPage(conn, scope, membershipList, { organization_id: organizationId, q }, place);
}

/** A group as a form offers it. */
export interface GroupChoice {
  id: number;
  name: string;
}

/** The groups to choose from, by name. */
export async function groupChoices(conn: Connection, scope: AdminScope): Promise<GroupChoice[]> {
  const { items } = await listPage(conn, scope, groupList, { sort: "name", limit: 1000 });
  return items.map(({ id, name }) => ({ id: id as number, name: name as string }));
}
