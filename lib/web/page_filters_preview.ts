import {
  countRowsIn,
  createDataFilter,
  describeScope,
  findSubject,
  parseFilters,
  previewAccess,
  resolveFilters,
  type Scope,
  updateDataFilter,
  updatePermission,
  variables,
  variableValues,
  viewRows,
} from "../access/mod.ts";
import { sqlError, type Transaction } from "../db/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import type { FilterPreview } from "../ui/mod.ts";
import type { State } from "./define.ts";
import { listPage } from "./list_page.ts";
import { membershipList } from "./list_sources.ts";
import type { FilterTarget } from "./page_filters.ts";

const mostCountedRows = 10_000;
const shownRows = 5;
/** Milliseconds that looking may take. */
const lookingTime = "3000";

/**
 * What the filter that a form describes would do. Nothing is saved.
 *
 * @throws LockstepError as saving would
 */
export async function previewFilter(
  state: State,
  catalog: Catalog,
  target: FilterTarget,
  model: Model,
  condition: unknown,
): Promise<FilterPreview> {
  const { services: { db }, admin } = state;
  const { organization } = target;
  const conditions = parseFilters(condition, model, target.name || "filters");
  const named = conditions.some(({ value }) =>
    (Array.isArray(value) ? value : [value]).some((one) =>
      (variables as readonly unknown[]).includes(one)
    )
  );
  const { changes, devices, message } = await previewAccess(
    db,
    catalog,
    [organization.id],
    (tx) => saveFilter(tx, state, catalog, target, model, condition),
  );
  const preview: FilterPreview = {
    words: "",
    count: null,
    isMore: false,
    columns: model.columns.map(({ name }) => name),
    rows: [],
    changes: changes.map(({ model, users, usernames, pull }) => ({
      model,
      users,
      usernames,
      gained: pull.gained,
      lost: pull.lost,
    })),
    devices,
    message,
  };
  let scope: Scope = conditions.length === 0 ? { all: true } : { any: [conditions] };
  if (named) {
    const { items: [member] } = await listPage(db, admin!.scope, membershipList, {
      organization_id: organization.id,
      group_id: target.group.id,
      is_active: true,
      limit: 1,
    });
    if (!member) {
      preview.words = describeScope(scope);
      preview.message =
        "Nobody is in the group yet, so there are no values of a user to show rows with.";
      return preview;
    }
    const { principal, membership } = await findSubject(
      db,
      admin!.scope,
      String(member.user_id),
      String(organization.id),
    );
    const resolved = resolveFilters(conditions, model, variableValues(principal, membership));
    scope = { any: resolved ? [resolved] : [] };
    preview.user = principal.username;
  }
  preview.words = describeScope(scope);
  // Of a table that takes no part in the sync, no row may be shown.
  if (!model.enabled || model.key.length === 0) return preview;
  try {
    await db.transaction(
      { readOnly: true, settings: { statement_timeout: lookingTime } },
      async (tx) => {
        const page = { limit: shownRows, after: null };
        const { rows } = await viewRows(tx, model, organization.id, scope, page);
        preview.rows = rows.map((text) => {
          const row = JSON.parse(text);
          return preview.columns.map((name) => cellText(row[name]));
        });
        const count = await countRowsIn(tx, model, organization.id, scope, mostCountedRows + 1);
        preview.count = Math.min(count, mostCountedRows);
        preview.isMore = count > mostCountedRows;
      },
    );
  } catch (error) {
    if (sqlError(error)?.code !== "57014") throw error;
    preview.message = "The rows could not be counted within 3 seconds.";
  }
  return preview;
}

/** A value in a table that shows the beginning of rows. */
export function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/** Saves the filter of a form: a new data filter, a changed one, or a permission's. */
export async function saveFilter(
  tx: Transaction,
  state: State,
  catalog: Catalog,
  { kind, id, version, organization, group, name, isActive }: FilterTarget,
  model: Model,
  condition: unknown,
): Promise<unknown> {
  const { scope } = state.admin!;
  if (kind === "permission") {
    // No condition is every row, which is stored as nothing.
    const filters = Array.isArray(condition) && condition.length === 0 ? null : condition;
    return await updatePermission(tx, scope, catalog, id!, version, { filters });
  }
  if (id !== undefined) {
    return await updateDataFilter(tx, scope, catalog, id, version, { name, condition, isActive });
  }
  return await createDataFilter(tx, scope, {
    organizationId: organization.id,
    groupId: group.id,
    model,
    name,
    condition,
    isActive,
  });
}
