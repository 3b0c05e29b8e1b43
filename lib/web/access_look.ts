import {
  describeScope,
  explainAccess,
  explainRow,
  findSubject,
  modelAccess,
  modelGrants,
  modelNamed,
  parseRowKey,
  type RowPage,
  viewRows,
} from "../access/mod.ts";
import { type Actor, actorSettings, recordEvent } from "../audit/mod.ts";
import type { AdminScope } from "../access/mod.ts";
import type { Database } from "../db/mod.ts";
import type { Catalog } from "../models/mod.ts";

/** Whose rights an administrator looks at, and of which model. Users and organizations by id or name. */
export interface AccessLook {
  user: string;
  organization: string;
  model: string;
}

/** Who looks. */
export interface Looker {
  db: Database;
  scope: AdminScope;
  catalog: Catalog;
  actor: Actor;
}

/** Milliseconds that one page of rows may take. */
const pageTime = "5000";

/**
 * What the user may push and pull, and why; with `key` also of that row. The look is in the audit
 * trail.
 *
 * @throws LockstepError `not_found`, `unknown_model`, `invalid_value` for the key
 */
export async function explainLook(looker: Looker, look: AccessLook & { key?: string }) {
  const { db, scope, catalog } = looker;
  const { principal, membership, notes } = await findSubject(
    db,
    scope,
    look.user,
    look.organization,
  );
  const model = modelNamed(catalog, look.model);
  const explained = await explainAccess(db, principal, membership, catalog, model);
  if (!model.enabled) notes.push(`${model.name} takes no part in the sync: ${model.reason}`);
  if (explained.push.allowed && model.enabled && !model.writable) {
    notes.push(`${model.name} is shared and not marked writable, so nobody may push it.`);
  }
  const { organization } = membership;
  const answer = {
    user: { id: principal.userId, username: principal.username },
    organization,
    model: model.name,
    notes,
    ...explained,
  };
  // Of a table that takes no part, no row may be asked about: it may be nobody's to see.
  const row = look.key === undefined || !model.enabled ? undefined : await explainRow(
    db,
    model,
    organization.id,
    parseRowKey(model, look.key),
    (await modelAccess(db, principal, membership, catalog)).get(model.name) ??
      { push: null, pull: null },
    (await modelGrants(db, principal, membership, catalog)).get(model.name) ?? [],
  );
  await remember(looker, "explain", organization.id, {
    user: principal.username,
    model: model.name,
    ...(look.key === undefined ? {} : { key: look.key }),
  });
  return { ...answer, row };
}

/**
 * A page of the rows that the user would pull. It only reads: the rows come from a read-only
 * transaction. The look is in the audit trail.
 *
 * @param place `after` gives the key that the page goes on from, for a key of that many columns
 * @throws LockstepError `not_found`, `unknown_model`, `not_syncable`
 */
export async function viewLook(
  looker: Looker,
  look: AccessLook,
  place: { limit: number; after: (columns: number) => string[] | null },
): Promise<RowPage & { words: string }> {
  const { db, scope, catalog } = looker;
  const { principal, membership: member } = await findSubject(
    db,
    scope,
    look.user,
    look.organization,
  );
  const model = modelNamed(catalog, look.model);
  const rights = await modelAccess(db, principal, member, catalog);
  const pull = model.enabled ? rights.get(model.name)?.pull ?? { any: [] } : { any: [] };
  const page = { limit: place.limit, after: place.after(model.key.length) };
  const found = await db.transaction(
    { readOnly: true, settings: { statement_timeout: pageTime } },
    (tx) => viewRows(tx, model, member.organization.id, pull, page),
  );
  await remember(looker, "view_as", member.organization.id, {
    user: principal.username,
    model: model.name,
    rows: found.rows.length,
    ...(page.after ? { after: page.after } : {}),
  });
  return { ...found, words: describeScope(pull) };
}

/** An event beside the user's memberships, which those who administer the organization see. */
async function remember(
  { db, actor }: Looker,
  action: "explain" | "view_as",
  organizationId: number,
  detail: Record<string, unknown>,
): Promise<void> {
  await db.transaction(
    { settings: actorSettings(actor) },
    (tx) => recordEvent(tx, { action, model: "lockstep.UserOrganization", organizationId, detail }),
  );
}
