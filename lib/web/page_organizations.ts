import { z } from "zod";
import type { AdminScope } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { listPage, type ListQuery, readItem } from "./list_page.ts";
import { groupList, membershipList, organizationList } from "./list_sources.ts";
import { filterText, givenFields } from "./page_filter.ts";
import type { PagePlace } from "./page_rows.ts";
import { type CsvColumns, sortedCsv, type SortedPage, sortedPage } from "./page_sorted.ts";
import type { MembershipRow } from "./page_users.ts";
import { parse } from "./parse.ts";

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

const pageSize = 50;
const query = z.object({
  q: filterText.optional(),
  state: z.enum(["active", "inactive"]).optional(),
  sort: z.enum(["name", "-name", "slug", "-slug", "created_at", "-created_at"]).optional(),
});

/** What the page's form asks for. */
export type OrganizationFilter = z.output<typeof query>;

/** @throws LockstepError `invalid_value` */
export function organizationFilter(params: URLSearchParams): OrganizationFilter {
  return parse(query, givenFields(params));
}

function listed({ q, state, sort = "name" }: OrganizationFilter): ListQuery {
  return { limit: pageSize, q, sort, is_active: state && state === "active" };
}

/** A page of the organizations that are administered. */
export function organizationPage(
  conn: Connection,
  scope: AdminScope,
  filter: OrganizationFilter,
  place: PagePlace,
): Promise<SortedPage<OrganizationRow>> {
  return sortedPage(conn, scope, organizationList, listed(filter), place);
}

const columns: CsvColumns<OrganizationRow> = [
  ["id", (row) => row.id],
  ["name", (row) => row.name],
  ["slug", (row) => row.slug],
  ["description", (row) => row.description],
  ["is_active", (row) => row.is_active],
  ["members", (row) => row.members],
  ["created_at", (row) => row.created_at],
];

/** Every organization that the filter asks for, as pieces of CSV. */
export function organizationCsv(conn: Connection, scope: AdminScope, filter: OrganizationFilter) {
  return sortedCsv(conn, scope, organizationList, listed(filter), columns);
}

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
  const asked = { organization_id: organizationId, q, sort: "username", limit: pageSize };
  return sortedPage(conn, scope, membershipList, asked, place);
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
