import type { Scope } from "../access/mod.ts";
import type { ErrorCode } from "../errors/mod.ts";
import { type Catalog, type Column, columnValidator, type Model } from "../models/mod.ts";
import { organizationValue } from "./change_log.ts";
import type { Member, RawObject } from "./json_scanner.ts";

/** Why one record of a push was refused. */
export interface RecordError {
  index: number;
  model: string;
  id?: unknown;
  client_id?: string;
  code: ErrorCode;
  message: string;
  field?: string;
  /** Whether the same record may be accepted later. */
  retry: boolean;
  quarantine_id?: number;
  /** JSON text of the server's row, for a conflict. */
  server?: string | null;
}

/** A record that passed every check that needs no database. */
export interface PushRecord {
  index: number;
  model: Model;
  /** As the client wrote it. */
  modelName: string;
  operation: "upsert" | "delete";
  /** What the database reads, as JSON text; other members such as `_model` may be in it. */
  raw: string;
  /** Its columns, sorted and joined: records with the same form travel in one statement. */
  form: string;
  fields: Member[];
  /** `_version` and `_base`, as far as they are given. */
  controls: Member[];
  /** Key columns that the record does not name; their defaults are drawn before it is written. */
  missingKey: string[];
  clientId?: string;
  versioned: boolean;
  merging: boolean;
  /** Foreign key columns that name another record of the push by its `_client_id`. */
  references: { column: string; clientId: string }[];
  /** Text that is equal for records of the same row, when the client gives the key. */
  keyText?: string;
}

/** The refusal of a record, before its place in the push is added. */
export type Refusal = Pick<RecordError, "code" | "message" | "field" | "retry">;

const refuse = (code: ErrorCode, message: string, field?: string): Refusal => ({
  code,
  message,
  field,
  retry: false,
});

const metaNames = new Set(["_model", "_op", "_client_id", "_version", "_base"]);
const longestClientId = 200;
/** Of models and columns that do not exist, as errors repeat them. */
const longestName = 200;

/** Forms by the columns in the order in which clients write them, mostly the same few. */
const sortedForms = new Map<string, string>();

function sortedForm(columns: string[]): string {
  const given = columns.join("\u0000");
  let form = sortedForms.get(given);
  if (form === undefined) {
    if (sortedForms.size > 1000) sortedForms.clear();
    form = columns.toSorted().join("\u0000");
    sortedForms.set(given, form);
  }
  return form;
}

/** What stays the same for all records of one model and one set of columns. */
interface Form {
  validators: Map<string, ReturnType<typeof columnValidator>>;
}

const forms = new WeakMap<Model, Form>();

function formOf(model: Model): Form {
  let form = forms.get(model);
  if (!form) {
    form = {
      validators: new Map(
        model.columns.map((column: Column) => [column.name, columnValidator(column)]),
      ),
    };
    forms.set(model, form);
  }
  return form;
}

/** Checks one record against the catalog and the pusher's rights. */
export function prepareRecord(
  object: RawObject,
  index: number,
  catalog: Catalog,
  pushScope: (model: Model) => Scope | null | undefined,
  organizationId: number,
): PushRecord | { model: string; id?: unknown; clientId?: string; refusal: Refusal } {
  const meta = new Map<string, Member>();
  const fields: Member[] = [];
  for (const member of object.members) {
    if (metaNames.has(member.name)) meta.set(member.name, member);
    else fields.push(member);
  }
  const modelName = stringOf(meta.get("_model")) ?? "";
  const clientIdMember = meta.get("_client_id");
  const clientId = stringOf(clientIdMember);
  const model = catalog.find(modelName);
  const no = ({ field, ...rest }: Refusal) => ({
    model: model?.name ?? modelName.slice(0, longestName),
    id: model && keyOf(model, fields),
    clientId: clientId?.slice(0, longestClientId),
    refusal: { ...rest, field: field?.slice(0, longestName) },
  });

  if (object.problem !== undefined) return no(refuse("invalid_value", object.problem));
  const modelMember = meta.get("_model");
  if (modelMember?.kind !== "string") {
    return no(
      modelMember
        ? refuse(
          "invalid_value",
          "_model must be a string, for example myapp.Customer.",
          "_model",
        )
        : refuse(
          "required",
          "The record has no _model. Name the model, for example myapp.Customer.",
          "_model",
        ),
    );
  }
  if (!model || model.syncable && !model.enabled) {
    return no(
      refuse(
        "unknown_model",
        `There is no model ${quoted(modelName)}. GET /api/sync/me/ lists the models you may use.`,
        "_model",
      ),
    );
  }
  if (!model.syncable) {
    return no(
      refuse(model.key.length === 0 ? "no_primary_key" : "not_syncable", model.reason, "_model"),
    );
  }
  if (!pushScope(model)) {
    return no(refuse("permission_denied", `You may not push ${model.name}.`));
  }
  if (!model.writable) {
    return no(
      refuse(
        "permission_denied",
        `${model.name} is shared by all organizations and can only be pulled. An administrator can mark it writable.`,
      ),
    );
  }
  if (object.repeated !== undefined) {
    return no(
      refuse(
        "invalid_value",
        `The record names ${quoted(object.repeated)} more than once. Name each column once.`,
        object.repeated,
      ),
    );
  }
  if (
    clientIdMember && (clientId === undefined || clientId === "" ||
      clientId.length > longestClientId || !isStorable(clientId))
  ) {
    return no(
      refuse(
        "invalid_value",
        `_client_id must be a string of 1 to ${longestClientId} characters.`,
        "_client_id",
      ),
    );
  }
  const operation = meta.has("_op") ? stringOf(meta.get("_op")) : "upsert";
  if (operation !== "upsert" && operation !== "delete") {
    return no(refuse("invalid_value", `_op must be "upsert" or "delete".`, "_op"));
  }
  const version = meta.get("_version");
  if (
    version && (version.kind !== "string" || !/^"\d{1,10}"$/.test(version.raw)) &&
    version.kind !== "null"
  ) {
    return no(
      refuse(
        "invalid_value",
        "_version must be the string that the record was pulled with.",
        "_version",
      ),
    );
  }
  const base = meta.get("_base");
  if (base && (base.kind !== "object" || !isStorableJson(base.raw)) && base.kind !== "null") {
    return no(
      refuse(
        "invalid_value",
        "_base must be an object with the old values of the changed columns, without NUL characters.",
        "_base",
      ),
    );
  }
  const references: PushRecord["references"] = [];
  const { validators } = formOf(model);
  if (base?.kind === "object") {
    // An old value under another name would make the change look like none.
    const unknown = Object.keys(JSON.parse(base.raw)).find((name) => !validators.has(name));
    if (unknown !== undefined) {
      return no(
        refuse(
          "unknown_field",
          `${model.name} has no column ${quoted(unknown)}, which _base names.`,
          "_base",
        ),
      );
    }
  }
  for (const field of fields) {
    const validate = validators.get(field.name);
    if (!validate) {
      return no(
        refuse("unknown_field", `${model.name} has no column ${quoted(field.name)}.`, field.name),
      );
    }
    if (field.name === model.tenantColumn) {
      const problem = tenantProblem(model, field, organizationId);
      if (problem) return no(problem);
      continue;
    }
    const target = field.kind === "object" ? referenceOf(model, field) : undefined;
    if (target !== undefined) {
      references.push({ column: field.name, clientId: target });
      continue;
    }
    const isKey = model.key.includes(field.name);
    if (operation === "delete" && !isKey) continue;
    const problem = validate(field.kind, field.raw);
    if (problem && !(isKey && problem.code === "read_only_column")) {
      return no({ ...problem, field: field.name, retry: false });
    }
  }
  const columns = fields.map((field) => field.name).filter((name) => name !== model.tenantColumn);
  const missingKey = model.key.filter((name) =>
    name !== model.tenantColumn && !columns.includes(name)
  );
  if (missingKey.length > 0) {
    const drawn = (name: string) => {
      const column = model.columns.find((column) => column.name === name)!;
      return column.identity !== "" || column.hasDefault;
    };
    if (operation === "delete" || !missingKey.every(drawn)) {
      const names = missingKey.join(", ");
      return no(refuse("required", `The record needs its key ${names}.`, missingKey[0]));
    }
  }
  const careful = model.conflictPolicy !== "last_write_wins" && version?.kind === "string";
  const merging = careful && model.conflictPolicy === "merge" && base?.kind === "object";
  const controls = careful ? [version, base].filter((member) => member !== undefined) : [];
  return {
    index,
    model,
    modelName,
    operation,
    // Of a deletion only the key was checked, so that only the key may reach the database.
    raw: operation === "delete"
      ? objectText([...fields.filter(({ name }) => model.key.includes(name)), ...controls])
      : object.raw,
    form: operation === "delete" ? "" : sortedForm(columns),
    fields,
    controls,
    missingKey,
    clientId,
    versioned: careful && missingKey.length === 0,
    merging,
    references,
    keyText: missingKey.length === 0 ? rowText(model, fields, model.key) : undefined,
  };
}

/** A JSON object of members whose values are JSON text. */
export function objectText(members: readonly Member[]): string {
  return `{${members.map(({ name, raw }) => `${JSON.stringify(name)}:${raw}`).join(",")}}`;
}

/**
 * Text that is equal for records whose `columns` hold the same key of `model`, in the order of its key
 * columns; the tenant column, which is the same for all, does not count.
 */
export function rowText(model: Model, fields: readonly Member[], columns: string[]): string {
  return columns.map((name, i) =>
    model.key[i] === model.tenantColumn ? "" : keyTextOf(
      model.columns.find((column) => column.name === model.key[i])!.baseType,
      fields.find((field) => field.name === name),
    )
  ).join("\u0000");
}

/** The record's key as the client wrote it, for error messages: a value, or an object of them. */
export function keyOf(model: Model, fields: readonly Member[]): unknown {
  const values = model.key.map((name) => fields.find((field) => field.name === name));
  if (values.length === 0 || values.some((value) => !value || value.raw.length > 1000)) return;
  const parsed = values.map((value) => safeValue(value!));
  if (parsed.length === 1) return parsed[0];
  return Object.fromEntries(model.key.map((name, i) => [name, parsed[i]]));
}

/** Equal for the ways in which clients write one value: `7` and `"07"`, a UUID in capitals. */
function keyTextOf(type: string, field: Member | undefined): string {
  if (!field) return "";
  if (field.kind !== "string") return field.raw;
  const text: string = JSON.parse(field.raw);
  if (type === "uuid") return text.replace(/[{}-]/g, "").toLowerCase();
  if (/^int[248]$/.test(type) && /^\s*[+-]?\d+\s*$/.test(text)) return String(BigInt(text));
  return text;
}

/** Whether PostgreSQL can store the text. */
const isStorable = (text: string) => text.isWellFormed() && !text.includes("\u0000");

function isStorableJson(raw: string): boolean {
  if (!raw.includes("\\u")) return true;
  let storable = true;
  JSON.parse(raw, (name, value) => {
    storable &&= isStorable(name) && (typeof value !== "string" || isStorable(value));
    return value;
  });
  return storable;
}

/** Numbers that a double can't hold are given back as strings. */
function safeValue({ kind, raw }: Member): unknown {
  const value = JSON.parse(raw);
  return kind === "number" && String(value) !== raw ? raw : value;
}

function stringOf(member: Member | undefined): string | undefined {
  return member?.kind === "string" ? JSON.parse(member.raw) : undefined;
}

function referenceOf(model: Model, field: Member): string | undefined {
  if (!model.foreignKeys.some(({ columns }) => columns.includes(field.name))) return;
  const value = JSON.parse(field.raw);
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === "$ref" && typeof value.$ref === "string"
    ? value.$ref
    : undefined;
}

function tenantProblem(model: Model, field: Member, organizationId: number): Refusal | undefined {
  if (field.kind === "null") return;
  const given = field.kind === "string" ? JSON.parse(field.raw) : field.raw;
  if (given === organizationValue(model, organizationId)) return;
  return refuse(
    "tenant_mismatch",
    `${field.name} names another organization than the one you push to. Leave it out: the server sets it.`,
    field.name,
  );
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);
}
