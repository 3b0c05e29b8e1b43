import { isVerifiable, normalizeUsername, parseFilters } from "../../lib/access/mod.ts";
import { actorSettings } from "../../lib/audit/mod.ts";
import { checkSettings } from "../../lib/config/mod.ts";
import { type Database, lockSettings, type Transaction } from "../../lib/db/mod.ts";
import { LockstepError } from "../../lib/errors/mod.ts";
import { type Catalog, ModelCatalog } from "../../lib/models/mod.ts";
import type { Installation } from "./read_installation.ts";

/** What an import has done, or would do. */
export interface ImportReport {
  version: string;
  dry_run: boolean;
  /** Rows that were made, by what they are. */
  created: Record<string, number>;
  /** Rows that were here already, and stay as they are. */
  kept: Record<string, number>;
  /** What somebody should look at. */
  notes: string[];
}

/** Who the audit trail names. */
export const importActor = { id: null, name: "import django", source: "cli" as const };

/**
 * Makes what the installation has and this database lacks, in one transaction. What is here stays as
 * it is, and what was imported and deleted here since stays deleted, so a second run changes nothing. Ids are kept: rows of the application name organizations and
 * users by them.
 *
 * @throws LockstepError `conflict` when an organization's id or a name is somebody else's here
 */
export async function importInstallation(
  db: Database,
  installation: Installation,
  options: { dryRun: boolean },
): Promise<ImportReport> {
  const catalog = await new ModelCatalog(db).current();
  let report: ImportReport | undefined;
  try {
    await db.transaction({ settings: actorSettings(importActor) }, async (tx) => {
      report = await importAll(tx, installation, catalog);
      if (options.dryRun) throw new DryRun();
    });
  } catch (error) {
    if (!(error instanceof DryRun)) throw error;
  }
  return { ...report!, dry_run: options.dryRun };
}

/** Takes back what was tried only. */
class DryRun extends Error {}

async function importAll(
  tx: Transaction,
  given: Installation,
  catalog: Catalog,
): Promise<ImportReport> {
  const created: Record<string, number> = {};
  const kept: Record<string, number> = {};
  const notes = [...given.notes];
  /** Inserts rows of our table; remembers and counts those that were not there. */
  const insert = async (what: string, table: string, keys: string[], rows: object[]) => {
    const made = await insertNew(tx, table, keys, rows);
    created[what] = made;
    kept[what] = rows.length - made;
  };

  await requireNoConflict(tx, given);
  await insert("organizations", "organization", ["id"], given.organizations.map(withoutNull));
  const users = await mapUsers(tx, given, notes);
  await insert("users", "app_user", ["id"], users.rows);
  const groups = await mapGroups(tx, given);
  await insert("groups", "auth_group", ["id"], groups.rows);
  for (const table of ["organization", "app_user", "auth_group"]) await continueIds(tx, table);

  // A row may name what Django had orphaned, or what was imported once and deleted here since.
  const present = {
    organization: await idsOf(tx, "organization"),
    user: await idsOf(tx, "app_user"),
    group: await idsOf(tx, "auth_group"),
  };
  const known = (row: { organization_id?: number; user_id?: number; group?: string }) =>
    (row.organization_id === undefined || present.organization.has(row.organization_id)) &&
    (row.user_id === undefined || present.user.has(users.ids.get(row.user_id)!)) &&
    (row.group === undefined || present.group.has(groups.ids.get(row.group)!));
  const placed = <Row extends { organization_id: number; group: string }>(rows: Row[]) =>
    rows.filter(known).map(({ group, ...row }) => ({ ...row, group_id: groups.ids.get(group)! }));

  await insert(
    "memberships",
    "user_organization",
    ["user_id", "organization_id", "group_id"],
    placed(given.memberships).map((row) =>
      withoutNull({ ...row, user_id: users.ids.get(row.user_id)! })
    ),
  );
  const named = (name: string) => catalog.find(name)?.name ?? name;
  noteUnusable(given, catalog, notes);
  await insert(
    "permissions",
    "model_permission",
    ["organization_id", "group_id", "model_name"],
    placed(given.permissions).map((row) => ({ ...row, model_name: named(row.model_name) })),
  );
  await insert(
    "filters",
    "data_filter",
    ["organization_id", "group_id", "model_name", "filter_name"],
    placed(given.filters).map((row) => ({ ...row, model_name: named(row.model_name) })),
  );
  await insert(
    "sync metadata",
    "sync_metadata",
    ["model_name"],
    given.metadata.map((row) => ({ ...row, model_name: named(row.model_name) })),
  );
  await insert(
    "user sync metadata",
    "user_sync_metadata",
    ["user_id", "organization_id", "model_name"],
    given.userMetadata.filter(known).map((row) => ({
      ...row,
      user_id: users.ids.get(row.user_id)!,
      model_name: named(row.model_name),
    })),
  );
  const stored = await lockSettings(tx);
  const settings = given.configuration.filter(({ section, key, value }) => {
    const { problems } = checkSettings(stored, { [section]: { [key]: value } });
    notes.push(...problems.map(({ message }) => `${section} ${key} was left out: ${message}`));
    return problems.length === 0;
  });
  await insert("settings", "sync_configuration", ["section", "key"], settings);
  return { version: given.version, dry_run: false, created, kept, notes };
}

/**
 * Inserts the rows whose key is free, and remembers them. Resolves to how many. A row that collides in
 * another way than by its key is an error: it must not be taken for present.
 */
async function insertNew(
  tx: Transaction,
  table: string,
  keys: string[],
  rows: object[],
): Promise<number> {
  if (rows.length === 0) return 0;
  let made = 0;
  // Rows may lack columns that have a default here; those alike go together.
  const alike = Map.groupBy(rows, (row) => Object.keys(row).sort().join(", "));
  for (const [columns, some] of alike) {
    const keyObject = keys.map((key) => `'${key}', ${key}`).join(", ");
    const [{ count }] = await tx.query<{ count: number }>(
      `WITH made AS (
        INSERT INTO lockstep.${table} (${columns})
        SELECT ${columns}
        FROM jsonb_populate_recordset(NULL::lockstep.${table}, $1::text::jsonb)
        WHERE jsonb_build_object(${keyObject}) NOT IN (
          SELECT key FROM lockstep.imported_row WHERE table_name = '${table}')
        ON CONFLICT (${keys.join(", ")}) DO NOTHING
        RETURNING ${keys.join(", ")}
      ), remembered AS (
        INSERT INTO lockstep.imported_row (table_name, key)
        SELECT '${table}', jsonb_build_object(${keyObject}) FROM made
      )
      SELECT count(*)::int AS count FROM made`,
      [JSON.stringify(some)],
    );
    made += count;
  }
  return made;
}

async function idsOf(tx: Transaction, table: string): Promise<Set<number>> {
  const rows = await tx.query<{ id: number }>(`SELECT id FROM lockstep.${table}`);
  return new Set(rows.map(({ id }) => id));
}

/** The tables' own sequences go on after the highest id. */
async function continueIds(tx: Transaction, table: string): Promise<void> {
  await tx.query(
    `SELECT setval(pg_get_serial_sequence('lockstep.${table}', 'id'), max(id))
    FROM lockstep.${table} HAVING max(id) IS NOT NULL`,
  );
}

async function requireNoConflict(tx: Transaction, given: Installation): Promise<void> {
  const problems: string[] = [];
  const here = await tx.query<{ id: number; name: string; slug: string }>(
    "SELECT id, name, slug FROM lockstep.organization",
  );
  for (const { id, name, slug } of given.organizations) {
    const same = here.find((other) => other.slug === slug);
    if (same && same.id !== id) {
      problems.push(
        `The organization ${slug} has the id ${id} there and ${same.id} here, so rows of its ` +
          "tables would be another's.",
      );
    }
    const other = here.find((one) => one.slug !== slug && (one.id === id || one.name === name));
    if (other) {
      problems.push(
        `The organization ${other.slug} has the ${other.id === id ? `id ${id}` : "name"} of ` +
          `${slug} here.`,
      );
    }
  }
  for (
    const [what, names] of [
      ["slug", given.organizations.map(({ slug }) => slug)],
      ["organization name", given.organizations.map(({ name }) => name)],
      ["username", given.users.map(({ username }) => normalizeUsername(username).toLowerCase())],
    ] as const
  ) {
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    for (const name of new Set(twice)) {
      problems.push(`Two have the ${what} ${JSON.stringify(name)} here.`);
    }
  }
  if (problems.length === 0) return;
  throw new LockstepError(
    "conflict",
    `Nothing was imported. Import into a new database, or rename first:\n${problems.join("\n")}`,
  );
}

/** Which of our ids each user of theirs has, and the rows of those that are not here. */
async function mapUsers(tx: Transaction, { users }: Installation, notes: string[]) {
  const here = await tx.query<{ id: number; username: string }>(
    "SELECT id, lower(username) AS username FROM lockstep.app_user",
  );
  const imported = new Set(
    (await tx.query<{ id: number }>(
      "SELECT (key ->> 'id')::int AS id FROM lockstep.imported_row WHERE table_name = 'app_user'",
    )).map(({ id }) => id),
  );
  const taken = new Set(here.map(({ id }) => id));
  const next = freeIds(taken, users.map(({ id }) => id));
  const ids = new Map<number, number>();
  const unknown: string[] = [];
  const rows = users.map((user) => {
    const username = normalizeUsername(user.username);
    const renamed = imported.has(user.id) ? here.find(({ id }) => id === user.id) : undefined;
    const same = here.find((one) => one.username === username.toLowerCase()) ?? renamed;
    if (same && same.username !== username.toLowerCase()) {
      notes.push(`${username} was imported as ${same.username}, which is kept as it is.`);
    }
    if (!same && !user.password.startsWith("!") && !isVerifiable(user.password)) {
      unknown.push(username);
    }
    const id = same?.id ?? (taken.has(user.id) ? next() : user.id);
    ids.set(user.id, id);
    if (id !== user.id) {
      notes.push(
        `${username} has the id ${id} here and ${user.id} there: rows and filters that name the ` +
          "user by id mean somebody else.",
      );
    }
    return withoutNull({ ...user, id, username });
  });
  if (unknown.length > 0) {
    notes.push(
      `${unknown.slice(0, 20).join(", ")}${
        unknown.length > 20 ? " and others" : ""
      }: their passwords ` +
        "were hashed in a way that Lockstep cannot check. Give them new ones: lockstep user password.",
    );
  }
  return { ids, rows };
}

async function mapGroups(tx: Transaction, { groups }: Installation) {
  const here = await tx.query<{ id: number; name: string }>(
    "SELECT id, name FROM lockstep.auth_group",
  );
  const taken = new Set(here.map(({ id }) => id));
  const next = freeIds(taken, groups.flatMap(({ id }) => id ?? []));
  const ids = new Map<string, number>();
  const rows = groups.map(({ id, name }) => {
    const same = here.find((one) => one.name === name);
    const own = same?.id ?? (id === null || taken.has(id) ? next() : id);
    ids.set(name, own);
    return { id: own, name };
  });
  return { ids, rows };
}

/** Ids that neither side uses. */
function freeIds(taken: Set<number>, wanted: number[]): () => number {
  let last = [...taken, ...wanted].reduce((most, id) => Math.max(most, id), 0);
  return () => ++last;
}

/** A filter that cannot be used here shows no row until it is mended: it must not go unnoticed. */
function noteUnusable(given: Installation, catalog: Catalog, notes: string[]): void {
  const unknown = new Set<string>();
  const check = (name: string, filter: unknown, what: string) => {
    const model = catalog.find(name);
    if (!model) return void unknown.add(name);
    try {
      parseFilters(filter, model, what);
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      notes.push(`${error.message} Who it applies to sees no row until it is mended.`);
    }
  };
  for (const { model_name, filters } of given.permissions) check(model_name, filters, "filters");
  for (const { model_name, filter_name, filter_condition } of given.filters) {
    check(model_name, filter_condition, filter_name);
  }
  if (unknown.size > 0) {
    notes.push(
      `There is no table here for ${[...unknown].join(", ")}: the rights on it hold once there is.`,
    );
  }
}

/** Without the members that are null, which get their defaults. */
function withoutNull<T extends object>(row: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== null),
  ) as Partial<T>;
}
