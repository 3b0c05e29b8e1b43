import type { AuditEvent } from "../audit/mod.ts";
import type { Connection } from "../db/mod.ts";

/** The row of an event, as far as names are made of it. */
interface NamedRow {
  name?: unknown;
  slug?: unknown;
  username?: unknown;
  filter_name?: unknown;
  model_name?: unknown;
  organization_id?: number;
  group_id?: number;
  user_id?: number;
}

/** What people call the rows of configuration that events are about, by the event's id. */
export async function auditNames(
  conn: Connection,
  events: readonly AuditEvent[],
): Promise<Map<number, string>> {
  const rows = events.filter(({ model }) => model.startsWith("lockstep."))
    .map(({ id, model, before, after }): [number, string, NamedRow] => [
      id,
      model,
      JSON.parse(after ?? before ?? "{}") ?? {},
    ]);
  if (rows.length === 0) return new Map();
  const ids = (column: "organization_id" | "group_id" | "user_id") =>
    rows.map(([, , row]) => row[column]).filter((id) => Number.isSafeInteger(id));
  const found = await conn.query<{ kind: string; id: number; name: string }>(
    `SELECT 'organization' AS kind, id, slug AS name FROM lockstep.organization
      WHERE id = ANY ($1::int[])
    UNION ALL SELECT 'group', id, name FROM lockstep.auth_group WHERE id = ANY ($2::int[])
    UNION ALL SELECT 'user', id, username FROM lockstep.app_user WHERE id = ANY ($3::int[])`,
    [ids("organization_id"), ids("group_id"), ids("user_id")],
  );
  const names = new Map(found.map(({ kind, id, name }) => [`${kind} ${id}`, name]));
  return new Map(rows.flatMap(([id, model, row]) => {
    const name = nameOf(model, row, (kind, id) => names.get(`${kind} ${id}`) ?? `${kind} ${id}`);
    return name === undefined ? [] : [[id, name]];
  }));
}

function nameOf(
  model: string,
  row: NamedRow,
  called: (kind: string, id: number | undefined) => string,
): string | undefined {
  const place = `in ${called("organization", row.organization_id)}`;
  switch (model) {
    case "lockstep.ModelPermission":
      return `${called("group", row.group_id)}: ${row.model_name} ${place}`;
    case "lockstep.DataFilter":
      return `${row.filter_name}: ${row.model_name} for ${called("group", row.group_id)} ${place}`;
    case "lockstep.UserOrganization":
      return `${called("user", row.user_id)} as ${called("group", row.group_id)} ${place}`;
    default: {
      const name = row.slug ?? row.username ?? row.name;
      return typeof name === "string" ? name : undefined;
    }
  }
}
