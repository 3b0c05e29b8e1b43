import type { SqlError } from "../db/mod.ts";
import { logger } from "../log/mod.ts";
import type { Model } from "../models/mod.ts";
import { passing } from "./push_each.ts";
import type { Refusal } from "./push_record.ts";
import type { CheckRow, PushGroup } from "./push_sql.ts";

/**
 * What the database's refusal of one record means to the client, or undefined when it isn't about the
 * record: a lost connection, a deadlock, a time-out. PostgreSQL's own text never goes out: it may
 * quote other rows.
 */
export function refusalOf(
  sql: Partial<SqlError> & { code: string },
  model: Model,
  operation: "upsert" | "delete",
): Refusal | undefined {
  if (passing.test(sql.code)) return;
  const column = model.columns.some(({ name }) => name === sql.column) ? sql.column : undefined;
  const refuse = (code: Refusal["code"], message: string, field = column, retry = false) => ({
    code,
    message,
    field,
    retry,
  });
  switch (sql.code) {
    case "23505":
    case "23P01": {
      const columns = uniqueColumns(model, sql.detail);
      return refuse(
        "duplicate",
        columns.length > 0
          ? `Another row has the same ${columns.join(", ")}. Choose another value.`
          : "Another row has the same value where values must differ. Choose another value.",
        columns[0],
      );
    }
    case "23503": {
      if (operation === "delete") {
        return refuse(
          "conflict",
          "Other rows still refer to this one. Delete them first.",
          undefined,
          true,
        );
      }
      const key = model.foreignKeys.find(({ name }) => name === sql.constraint);
      if (!key) {
        return refuse("conflict", "Other rows still refer to the old key.", undefined, true);
      }
      return refuse(
        "missing_reference",
        `${key.columns.join(", ")} refers to a row that does not exist. Push that row first.`,
        key.columns[0],
        true,
      );
    }
    case "23502":
      return refuse("required", `${column ?? "A column"} must have a value.`);
    case "23514":
      return refuse(
        "check_violation",
        sql.constraint
          ? `The record breaks the rule ${sql.constraint}.`
          : "The table has no place for the record: a rule or its partitions refuse it.",
      );
    case "22001":
      return refuse("too_long", `${column ?? "A value"} is longer than its column allows.`);
    case "42501":
      return refuse("permission_denied", "The database does not allow this change.");
    case "54000":
      return refuse("too_long", "A value of the record is too large to be indexed.");
  }
  // A type's own grammar, such as that of tsvector, is one of syntax to PostgreSQL.
  if (sql.code.startsWith("22") || sql.code === "42601") {
    return refuse(
      "invalid_value",
      "The database can't read a value of the record as its column's type.",
    );
  }
  // Features not supported, undefined tables, failing functions: a defect of the table or its triggers.
  if (/^(?:0A|2F|38|39|42|55)/.test(sql.code)) {
    logger("sync").error("Records of {model} cannot be written: {code} {message}", {
      model: model.name,
      code: sql.code,
      message: sql.message,
    });
    return refuse(
      "check_violation",
      "The table or one of its triggers does not work. Ask an administrator to look at the log.",
      undefined,
      true,
    );
  }
  return refuse("check_violation", "A rule or trigger of the table refuses the record.");
}

/**
 * Column names out of `Key (a, b)=(…) already exists.`; the values are left behind, and the tenant
 * column, which no client sets.
 */
function uniqueColumns(model: Model, detail = ""): string[] {
  const names = /^Key \((.+?)\)=/.exec(detail)?.[1].split(", ") ?? [];
  return names.filter((name) =>
    name !== model.tenantColumn && model.columns.some((column) => column.name === name)
  );
}

export const outside: Refusal = {
  code: "out_of_scope",
  message: "The row is outside of what you may write, before or after the change.",
  retry: false,
};

export const changedMeanwhile: Refusal = {
  code: "conflict",
  message: "The row was changed since the version that you give. Pull it, and decide.",
  retry: false,
};

export const sameRow: Refusal = {
  code: "duplicate",
  message: "Two records of the push are the same row.",
  retry: false,
};

const suppressed: Refusal = {
  code: "check_violation",
  message: "A rule or trigger of the table refuses the record.",
  retry: false,
};

/** The foreign key at `position` of the group's `owned` leads to another organization's row. */
export function strayReference({ owned }: PushGroup, position: number): Refusal {
  const field = owned[position].key.columns.at(-1)!;
  return {
    code: "foreign_tenant_reference",
    message: `${field} refers to a row of another organization.`,
    field,
    retry: false,
  };
}

/** Why a record was not written although the database raised no error. */
export function missedReason(
  { model, versioned, missing }: PushGroup,
  operation: "upsert" | "delete",
  row: CheckRow,
): Refusal {
  if (operation === "delete" && !row.visible) {
    return {
      code: "not_found",
      message: `${model.name} has no such row that you may delete.`,
      retry: false,
    };
  }
  if (row.present && !row.visible) return outside;
  if (versioned) {
    if (row.present) return changedMeanwhile;
    return { ...changedMeanwhile, message: "The row was deleted since the version that you give." };
  }
  if (!row.present && missing.length > 0) {
    return {
      code: "required",
      message: `There is no such row yet, and a new one needs ${missing.join(", ")}.`,
      field: missing[0],
      retry: false,
    };
  }
  return suppressed;
}
