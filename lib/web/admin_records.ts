import { z } from "zod";
import { modelNamed, type Tenant } from "../access/mod.ts";
import { type FieldProblem, LockstepError } from "../errors/mod.ts";
import type { Model } from "../models/mod.ts";
import { isBytes, readRecord, scopeReach, type StoredRecord, updateRecord } from "../sync/mod.ts";
import type { AdminCall } from "./admin_operation.ts";
import { announceSave, fencingToken, recordGuard } from "./collab_records.ts";
import { keyInPath } from "./page_records.ts";
import { editableColumns, readField } from "./page_records_form.ts";

export const recordParams = z.object({
  model: z.string().max(200),
  key: z.string().max(1_000).describe(
    "The key as PostgreSQL writes it. Values of a key of several columns are separated by commas; " +
      "a comma within one is written %2C.",
  ),
});

const texts = z.record(z.string(), z.string().nullable()).describe(
  "Column to text, as PostgreSQL writes the value, so that no digit is lost. Arrays are JSON.",
);

/** The members of a record in answers of the admin API. */
export const recordSchema = z.object({
  model: z.string(),
  key: z.array(z.string()).describe("In the order of the key's columns."),
  organization_id: z.int().nullable(),
  label: z.string().describe("What people call it."),
  values: texts,
  version: z.string().describe("For If-Match; also the ETag."),
});

/** The body of a change: columns that it leaves out stay. */
export const recordChange = z.strictObject({ values: texts });

export const fencingHeaders = z.object({
  "X-Fencing-Token": z.string().optional().describe(
    "The fencing token of the edit lock, from the record's room. Needed while the lock is held.",
  ),
});

type RecordCall = AdminCall<z.output<typeof recordParams>, unknown, unknown>;

interface Found {
  model: Model;
  reach: Tenant;
  stored: StoredRecord;
}

/**
 * The record that the path names.
 *
 * @throws LockstepError `not_found`, also for another organization's, `permission_denied` for a model
 *   that is shared by all organizations
 */
export async function readApiRecord(call: RecordCall) {
  const { model, stored } = await found(call);
  return view(model, stored);
}

/**
 * Changes columns of the record that the path names, under the edit lock if somebody holds it.
 *
 * @throws LockstepError as `readApiRecord`; `conflict` for a fencing token that is not current or, without
 *   one, while somebody else edits; `precondition_failed` when it changed since `version` was read
 */
export async function changeApiRecord(
  call: RecordCall & { body: z.output<typeof recordChange> },
): Promise<z.output<typeof recordSchema>> {
  const { ctx, principal, catalog, actor, version, body } = call;
  const { services } = ctx.state;
  const { model, reach, stored } = await found(call);
  const fields = readFields(model, body.values);
  const token = givenToken(ctx.req);
  const guard = await recordGuard(services, principal, model, stored.key, token);
  const write = { db: services.db, model, catalog, reach, actor, guard };
  const outcome = await updateRecord(write, stored.key, version, fields);
  if (!outcome) throw noSuchRecord(model, stored.key);
  if ("current" in outcome) {
    throw new LockstepError(
      "precondition_failed",
      "The record was changed since you read it. Read it again, and decide.",
    );
  }
  if (outcome.changed.length === 0) return view(model, stored);
  const after = await announceSave(services, principal, { model, reach }, stored);
  if (!after) throw noSuchRecord(model, stored.key);
  return view(model, after);
}

async function found({ ctx, scope, catalog, params }: RecordCall): Promise<Found> {
  const { db } = ctx.state.services;
  const model = modelNamed(catalog, params.model);
  if (!model.enabled) {
    throw new LockstepError("not_found", `${model.name} takes no part in syncs: ${model.reason}`);
  }
  const reach = await scopeReach(db, scope, { inactive: true });
  if (model.tenantColumn === null && !reach.shared) {
    throw new LockstepError(
      "permission_denied",
      `${model.name} is shared by all organizations, so only staff may work with its records.`,
    );
  }
  const key = keyInPath(ctx.url.pathname);
  const stored = await readRecord(db, model, reach, key);
  if (!stored) throw noSuchRecord(model, key);
  return { model, reach, stored };
}

function noSuchRecord({ name }: Model, key: readonly string[]): LockstepError {
  return new LockstepError(
    "not_found",
    `${name} has no record ${key.join(", ").slice(0, 100)}.`,
  );
}

/** Bytes are left out: of these only the length is read. */
function view(model: Model, { key, version, organizationId, label, values }: StoredRecord) {
  const shown = model.columns.filter((column) => !isBytes(column));
  return {
    model: model.name,
    key,
    organization_id: organizationId,
    label,
    values: Object.fromEntries(shown.map(({ name }) => [name, values[name]])),
    version,
  };
}

function readFields(model: Model, values: Record<string, string | null>): Map<string, string> {
  const editable = new Map(editableColumns(model, false).map((column) => [column.name, column]));
  const fields = new Map<string, string>();
  const errors: FieldProblem[] = [];
  for (const [name, text] of Object.entries(values)) {
    const column = editable.get(name);
    if (!column) {
      const known = model.columns.some((column) => column.name === name);
      errors.push({
        field: name,
        code: known ? "read_only_column" : "unknown_field",
        message: known
          ? `${name} cannot be changed here. Leave it out.`
          : `${model.name} has no column ${name.slice(0, 100)}. Leave it out.`,
      });
      continue;
    }
    const read = readField(column, text, false);
    if ("raw" in read) fields.set(name, read.raw);
    else errors.push({ field: name, code: "invalid_value", message: read.problem });
  }
  if (errors.length > 0) {
    const [{ code, message }] = errors;
    throw new LockstepError(code as "invalid_value", message, { errors });
  }
  return fields;
}

function givenToken(req: Request): number | undefined {
  const given = req.headers.get("X-Fencing-Token");
  const token = fencingToken(given);
  if (given !== null && token === undefined) {
    throw new LockstepError(
      "bad_request",
      "X-Fencing-Token must be the whole number that came with the edit lock, or be left out.",
    );
  }
  return token;
}
