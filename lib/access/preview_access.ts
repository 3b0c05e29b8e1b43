import { type Database, identifier, sqlError, type Transaction } from "../db/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import { describeScope } from "./describe_scope.ts";
import { accessOf, type GrantRow, grantsOf, type ModelAccess, variableValues } from "./grants.ts";
import { compileScope, nothing, type Scope, scopeHash } from "./scope.ts";
import { tenantOf, tenantTable } from "./tenant.ts";

/** What a change of rights would do to those who have the same rights before and after it. */
export interface AccessChange {
  organizationId: number;
  model: string;
  /** Names of the groups that these users are in. */
  groups: string[];
  users: number;
  /** The first ten. */
  usernames: string[];
  /** Devices of these users that are not revoked. */
  devices: number;
  push: RightChange;
  pull: RightChange;
}

export interface RightChange {
  /** Which rows, in words. */
  before: string;
  after: string;
  /** Rows that are gained and lost, of those that there are now; null when they were not counted. */
  gained: number | null;
  lost: number | null;
}

export interface AccessPreview {
  changes: AccessChange[];
  /** Devices that gain or lose rows with their next pull, or would if there were such rows. */
  devices: { gain: number; lose: number };
  /** Why rows were not counted; empty when they all were. */
  message: string;
}

/** Milliseconds that counting may take. */
const countingTime = 5000;
/** Pairs of scopes that one statement counts. */
const pairsAtOnce = 20;

/**
 * What `change` would do to the rights of the users of these organizations. It is run in a transaction
 * that is rolled back, so that what is previewed is what would be saved.
 */
export async function previewAccess(
  db: Database,
  catalog: Catalog,
  organizationIds: number[],
  change: (tx: Transaction) => Promise<unknown>,
): Promise<AccessPreview> {
  const states = await withRollback(db, async (tx) => {
    const before = await readRights(tx, organizationIds);
    await change(tx);
    return { before, after: await readRights(tx, organizationIds) };
  });
  const members = memberChanges(states.before.members, states.after.members);
  const found = differences(members, states.before.rows, states.after.rows, catalog);
  const counted = await countRows(db, found);
  const devices = { gain: 0, lose: 0 };
  // A device that gains from one model and another is one device.
  const gaining = new Set<string>();
  const losing = new Set<string>();
  const changes = found.map(({ model, organization, users, before, after }, i): AccessChange => {
    const [pushGained, pushLost, pullGained, pullLost] = counted.rows[i] ?? [];
    for (const user of users) {
      const key = `${organization.id} ${user.id}`;
      if (pullGained ?? mayDiffer(before.pull, after.pull)) gaining.add(key);
      if (pullLost ?? mayDiffer(after.pull, before.pull)) losing.add(key);
    }
    return {
      organizationId: organization.id,
      model: model.name,
      groups: users[0].groups.map(({ name }) => name),
      users: users.length,
      usernames: users.slice(0, 10).map(({ username }) => username),
      devices: users.reduce((sum, user) => sum + user.devices, 0),
      push: rightChange(before.push, after.push, pushGained, pushLost),
      pull: rightChange(before.pull, after.pull, pullGained, pullLost),
    };
  });
  for (const { who: { id, organization, devices: count } } of members) {
    if (gaining.has(`${organization.id} ${id}`)) devices.gain += count;
    if (losing.has(`${organization.id} ${id}`)) devices.lose += count;
  }
  return { changes, devices, message: counted.message };
}

class RollBack<T> extends Error {
  constructor(readonly result: T) {
    super("The preview is rolled back");
  }
}

async function withRollback<T>(
  db: Database,
  fn: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction({}, async (tx) => {
      throw new RollBack(await fn(tx));
    });
  } catch (error) {
    if (error instanceof RollBack) return error.result;
    throw error;
  }
}

interface Member {
  id: number;
  username: string;
  email: string;
  devices: number;
  organization: { id: number; name: string; slug: string };
  groups: { id: number; name: string }[];
}

/** Somebody's groups before and after: the change may be one of memberships. */
interface MemberChange {
  who: Member;
  before: Member["groups"];
  after: Member["groups"];
}

function memberChanges(before: Member[], after: Member[]): MemberChange[] {
  const keyOf = ({ id, organization }: Member) => `${organization.id} ${id}`;
  const [was, is] = [before, after].map((members) =>
    new Map(members.map((member) => [keyOf(member), member]))
  );
  return [...new Map([...was, ...is])].map(([key, who]) => ({
    who,
    before: was.get(key)?.groups ?? [],
    after: is.get(key)?.groups ?? [],
  }));
}

type OrganizationRow = GrantRow & { organization_id: number };

async function readRights(
  tx: Transaction,
  organizationIds: number[],
): Promise<{ members: Member[]; rows: OrganizationRow[] }> {
  // Superusers may everything before and after.
  const members = await tx.query<Member>(
    `SELECT u.id, u.username, u.email,
      json_build_object('id', o.id, 'name', o.name, 'slug', o.slug) AS organization,
      json_agg(json_build_object('id', g.id, 'name', g.name) ORDER BY m.id) AS groups,
      (SELECT count(*) FROM lockstep.device d
        WHERE d.user_id = u.id AND d.organization_id = o.id AND d.revoked_at IS NULL) AS devices
    FROM lockstep.user_organization m
    JOIN lockstep.app_user u ON u.id = m.user_id
    JOIN lockstep.organization o ON o.id = m.organization_id
    JOIN lockstep.auth_group g ON g.id = m.group_id
    WHERE o.id = ANY ($1::int[]) AND m.is_active AND u.is_active AND o.is_active
      AND NOT u.is_superuser
    GROUP BY u.id, o.id
    ORDER BY o.id, u.username`,
    [organizationIds],
  );
  const rows = await tx.query<OrganizationRow>(
    `SELECT p.organization_id, p.group_id, g.name AS group_name, p.model_name, p.can_push, p.can_pull,
      p.filters, NULL AS filter_name
    FROM lockstep.model_permission p
    JOIN lockstep.auth_group g ON g.id = p.group_id
    WHERE p.organization_id = ANY ($1::int[]) AND (p.can_push OR p.can_pull)
    UNION ALL
    SELECT f.organization_id, f.group_id, g.name, f.model_name, false, false, f.filter_condition,
      f.filter_name
    FROM lockstep.data_filter f
    JOIN lockstep.auth_group g ON g.id = f.group_id
    WHERE f.organization_id = ANY ($1::int[]) AND f.is_active
    ORDER BY group_id, filter_name`,
    [organizationIds],
  );
  return { members, rows };
}

interface Difference {
  model: Model;
  organization: Member["organization"];
  users: Member[];
  before: ModelAccess;
  after: ModelAccess;
}

/** Who has other rights after than before, those who are alike together. */
function differences(
  members: MemberChange[],
  before: OrganizationRow[],
  after: OrganizationRow[],
  catalog: Catalog,
): Difference[] {
  // Only what the rows say differently of a group and model has to be looked at.
  const rowsOf = (rows: OrganizationRow[]) =>
    Map.groupBy(rows, (row) => `${row.organization_id} ${row.group_id} ${row.model_name}`);
  const [beforeRows, afterRows] = [rowsOf(before), rowsOf(after)];
  const touched = new Map<string, Set<string>>();
  for (const key of new Set([...beforeRows.keys(), ...afterRows.keys()])) {
    const [old, now] = [beforeRows.get(key), afterRows.get(key)];
    if (JSON.stringify(old) === JSON.stringify(now)) continue;
    const { organization_id, group_id, model_name } = (old ?? now)![0];
    const place = `${organization_id} ${group_id}`;
    const models = touched.get(place) ?? new Set();
    touched.set(place, models.add(model_name));
  }
  const byGroup = (rows: OrganizationRow[]) =>
    Map.groupBy(rows, (row) => `${row.organization_id} ${row.group_id}`);
  const [beforeByGroup, afterByGroup] = [byGroup(before), byGroup(after)];
  const found = new Map<string, Difference>();
  for (const { who, before: groupsBefore, after: groupsAfter } of members) {
    const { organization } = who;
    const placeOf = ({ id }: { id: number }) => `${organization.id} ${id}`;
    const left = groupsBefore.filter(({ id }) => !groupsAfter.some((group) => group.id === id));
    const joined = groupsAfter.filter(({ id }) => !groupsBefore.some((group) => group.id === id));
    const names = new Set([
      ...groupsBefore.flatMap((group) => [...touched.get(placeOf(group)) ?? []]),
      ...left.flatMap((group) => beforeByGroup.get(placeOf(group)) ?? []).map(modelOf),
      ...joined.flatMap((group) => afterByGroup.get(placeOf(group)) ?? []).map(modelOf),
    ]);
    // Rows of a table that takes no part in the sync are not for anybody to count.
    const models = new Set(
      [...names].flatMap((name) => catalog.find(name) ?? []).filter(({ enabled }) => enabled),
    );
    if (models.size === 0) continue;
    const values = variableValues({ ...who, userId: who.id }, { organization });
    const grantsIn = (groups: Member["groups"], rows: Map<string, OrganizationRow[]>) => {
      const own = groups.flatMap((group) => rows.get(placeOf(group)) ?? []);
      return grantsOf(
        own.filter((row) => models.has(catalog.find(row.model_name)!)),
        values,
        catalog,
      );
    };
    const old = grantsIn(groupsBefore, beforeByGroup);
    const now = grantsIn(groupsAfter, afterByGroup);
    for (const model of models) {
      const [was, is] = [accessOf(old.get(model.name) ?? []), accessOf(now.get(model.name) ?? [])];
      const hashes = [was.push, was.pull, is.push, is.pull].map(hashOf);
      if (hashes[0] === hashes[2] && hashes[1] === hashes[3]) continue;
      const groupIds = [groupsBefore, groupsAfter].map((groups) => groups.map(({ id }) => id));
      const key = [organization.id, model.name, groupIds, ...hashes].join(" ");
      const known = found.get(key);
      if (known) known.users.push(who);
      else found.set(key, { model, organization, users: [who], before: was, after: is });
    }
  }
  return [...found.values()];
}

function modelOf({ model_name }: OrganizationRow): string {
  return model_name;
}

function hashOf(scope: Scope | null): string {
  return scope === null ? "-" : scopeHash(scope);
}

/** `gained` may be any rows: the scopes are not the same, and the second is not empty. */
function mayDiffer(before: Scope | null, after: Scope | null): number {
  return after !== null && hashOf(before) !== hashOf(after) ? 1 : 0;
}

type Counts = [pushGained: number, pushLost: number, pullGained: number, pullLost: number];

async function countRows(
  db: Database,
  found: Difference[],
): Promise<{ rows: (Counts | undefined)[]; message: string }> {
  const rows: (Counts | undefined)[] = new Array(found.length);
  const deadline = performance.now() + countingTime;
  const places = Map.groupBy(
    found.keys(),
    (i) => `${found[i].organization.id} ${found[i].model.name}`,
  );
  for (const indexes of places.values()) {
    for (let at = 0; at < indexes.length; at += pairsAtOnce) {
      const part = indexes.slice(at, at + pairsAtOnce);
      const left = Math.ceil(deadline - performance.now());
      if (left <= 0) return { rows, message: tooSlow };
      try {
        const counts = await countPairs(db, part.map((i) => found[i]), left);
        part.forEach((index, i) => rows[index] = counts.slice(i * 4, i * 4 + 4) as Counts);
      } catch (error) {
        if (sqlError(error)?.code !== "57014") throw error;
        return { rows, message: tooSlow };
      }
    }
  }
  return { rows, message: "" };
}

const tooSlow =
  `Counting took longer than ${countingTime / 1000} seconds, so not every number is known. ` +
  "The scopes tell which rows are meant.";

/** Four counts for each, in one pass over the organization's rows. */
async function countPairs(
  db: Database,
  pairs: Difference[],
  milliseconds: number,
): Promise<number[]> {
  const [{ model, organization }] = pairs;
  const params: unknown[] = [];
  const addParam = (value: unknown) => `$${params.push(value)}`;
  const rowsIn = (scope: Scope | null) =>
    compileScope(scope ?? nothing, model, (column) => identifier("t", column), addParam);
  const counts = pairs.flatMap(({ before, after }) =>
    [[before.push, after.push], [before.pull, after.pull]].flatMap(([old, now]) => [
      `count(*) FILTER (WHERE ${rowsIn(now)} AND NOT ${rowsIn(old)})`,
      `count(*) FILTER (WHERE ${rowsIn(old)} AND NOT ${rowsIn(now)})`,
    ])
  );
  const { table, within } = tenantTable(model, tenantOf(organization), "t", addParam);
  const settings = { statement_timeout: String(milliseconds) };
  const [row] = await db.transaction(
    { readOnly: true, settings },
    (tx) =>
      tx.query<{ counts: number[] }>(
        `SELECT json_build_array(${counts.join(", ")}) AS counts
      FROM ${table}
      WHERE ${within}`,
        params,
      ),
  );
  return row.counts;
}

function rightChange(
  before: Scope | null,
  after: Scope | null,
  gained: number | undefined,
  lost: number | undefined,
): RightChange {
  return {
    before: describeScope(before ?? nothing),
    after: describeScope(after ?? nothing),
    gained: gained ?? null,
    lost: lost ?? null,
  };
}
