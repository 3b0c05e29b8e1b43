import type { Api, Json } from "./api.ts";
import { CliError, exitCode } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** The organization with that slug. */
export async function organizationBySlug(api: Api, slug: string): Promise<Json> {
  return only(
    await api.all("/api/admin/organizations"),
    "slug",
    slug,
    "organization",
    "lockstep org list",
  );
}

/** The group with that name. */
export async function groupByName(api: Api, name: string): Promise<Json> {
  return only(
    await api.all("/api/admin/groups"),
    "name",
    name,
    "group",
    "lockstep org groups",
  );
}

/** The user with that name, in any case of letters. */
export async function userByName(api: Api, username: string): Promise<Json> {
  const alike = await api.all("/api/admin/users", { q: username });
  const isThere = alike.some((user) => user.username.toLowerCase() === username.toLowerCase());
  return only(
    isThere ? alike : await api.all("/api/admin/users"),
    "username",
    username,
    "user",
    "lockstep user list",
  );
}

function only(items: Json[], field: string, value: string, what: string, list: string): Json {
  const found = items.find((item) => item[field] === value) ??
    items.find((item) => item[field].toLowerCase() === value.toLowerCase());
  if (found) return found;
  const near = nearest(value, items.map((item) => item[field]));
  throw new CliError(
    `There is no ${what} ${JSON.stringify(value)}.` +
      (near ? ` Did you mean ${JSON.stringify(near)}?` : ` See: ${list}`),
    exitCode.notFound,
  );
}
