import { z } from "zod";
import { type AdminScope, userEditableIn, userVisibleIn } from "../access/mod.ts";
import type { Connection } from "../db/mod.ts";
import { listPage, type ListSource, readItem } from "./list_page.ts";
import { membershipList, sessionList, tokenList, userList } from "./list_sources.ts";
import type { AdminVisit } from "./page_admin.ts";
import { addressFilter, filterText } from "./page_filter.ts";
import type { PageList } from "./page_sorted.ts";

/** A user as the pages show them. */
export interface UserRow {
  id: number;
  username: string;
  email: string;
  first_name: string;
  last_name: string;
  is_active: boolean;
  is_staff: boolean;
  is_superuser: boolean;
  avatar_url: string | null;
  last_login: Date | null;
  created_at: Date;
  version: string;
}

/** A user in a list, with the groups that the reader may know of. */
export type ListedUser = UserRow & { groups: string };

/** A membership as the pages show it. */
export interface MembershipRow {
  id: number;
  user_id: number;
  username: string;
  organization_id: number;
  organization_slug: string;
  group_id: number;
  group_name: string;
  is_active: boolean;
  version: string;
}

const sorts = ["username", "email", "last_name", "last_login", "created_at"]
  .flatMap((name) => [name, `-${name}`]);

const query = z.object({
  q: filterText.optional(),
  state: z.enum(["active", "disabled"]).optional(),
  rank: z.enum(["staff", "superuser"]).optional(),
  sort: z.enum(sorts).optional(),
});

/** What the page's form asks for. */
export type UserFilter = z.output<typeof query>;

function sourceOf({ scope, organization }: AdminVisit): ListSource {
  const own = organization ? [organization.id] : "all" in scope ? null : scope.organizationIds;
  // Of organizations that the reader does not administer, they may not learn who is a member.
  const known = own ? `AND m.organization_id = ANY ('{${own.map(Number)}}'::int[])` : "";
  return {
    ...userList,
    fields: {
      ...userList.fields,
      groups: {
        type: "text",
        sql: `coalesce((SELECT string_agg(o.name || ': ' || g.name, ', ' ORDER BY o.name, g.name)
          FROM lockstep.user_organization m
          JOIN lockstep.organization o ON o.id = m.organization_id
          JOIN lockstep.auth_group g ON g.id = m.group_id
          WHERE m.user_id = t.id AND m.is_active ${known}), '')`,
      },
    },
    within(scope, addParam) {
      const visible = userVisibleIn(scope, "t.id", addParam);
      if (!organization) return visible;
      return `${visible} AND EXISTS (SELECT FROM lockstep.user_organization m
        WHERE m.user_id = t.id AND m.organization_id = ${
        addParam(String(organization.id))
      }::text::int)`;
    },
  };
}

/** The users, of the chosen organization or of all that are administered. */
export const userPages: PageList<ListedUser, UserFilter> = {
  filter: addressFilter(query),
  source: sourceOf,
  query: ({ state, rank, ...filter }) => ({
    ...filter,
    is_active: state && state === "active",
    is_staff: rank === "staff" ? true : undefined,
    is_superuser: rank === "superuser" ? true : undefined,
  }),
  columns: [
    ["id", (row) => row.id],
    ["username", (row) => row.username],
    ["email", (row) => row.email],
    ["first_name", (row) => row.first_name],
    ["last_name", (row) => row.last_name],
    ["is_active", (row) => row.is_active],
    ["is_staff", (row) => row.is_staff],
    ["is_superuser", (row) => row.is_superuser],
    ["groups", (row) => row.groups],
    ["last_login", (row) => row.last_login],
    ["created_at", (row) => row.created_at],
  ],
};

/** A session or a login by token, as a user's page shows it. */
export interface UserAccess {
  id: string;
  /** Address and browser, or device. */
  from: string;
  created: Date;
  seen: Date;
  expires: Date;
}

/** A user with everything that the reader may see of them. */
export interface UserDetail {
  user: UserRow;
  /** Whether the reader may change the user, or only the memberships. */
  isEditable: boolean;
  memberships: MembershipRow[];
  sessions: UserAccess[];
  tokens: UserAccess[];
}

const mostShown = 200;

/** The user with that number, or undefined when `scope` does not hold them. */
export async function userDetail(
  conn: Connection,
  scope: AdminScope,
  id: number,
): Promise<UserDetail | undefined> {
  const user = await readItem(conn, scope, userList, id) as UserRow | undefined;
  if (!user) return;
  const editable: ListSource = {
    ...userList,
    within: (scope, addParam) => userEditableIn(scope, "t.id", addParam),
  };
  const of = async (source: ListSource) =>
    (await listPage(conn, scope, source, { user_id: id, limit: mostShown })).items;
  return {
    user,
    isEditable: await readItem(conn, scope, editable, id) !== undefined,
    memberships: await of(membershipList) as unknown as MembershipRow[],
    sessions: (await of(sessionList)).map((row) => ({
      id: row.id as string,
      from: `${row.address} · ${row.user_agent}`,
      created: row.created_at as Date,
      seen: row.last_seen_at as Date,
      expires: row.expires_at as Date,
    })),
    tokens: (await of(tokenList)).map((row) => ({
      id: row.id as string,
      from: [row.device, row.organization_slug].filter(Boolean).join(" · ") || "No device named",
      created: row.created_at as Date,
      seen: row.refreshed_at as Date,
      expires: row.expires_at as Date,
    })),
  };
}
