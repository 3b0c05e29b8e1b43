import type { Column, ColumnKind } from "./model.ts";
import type { ColumnRow } from "./read_schema.ts";

const kinds: Record<string, ColumnKind> = {
  e: "enum",
  c: "composite",
  r: "range",
  m: "range",
};

/** A column of the catalog from its row in `pg_attribute`; `isKey`: it is part of the primary key. */
export function columnOf(row: ColumnRow, isKey: boolean): Column {
  const generated = row.generated !== "";
  const measured = row.elementType ?? row.baseType;
  return {
    name: row.name,
    type: row.type,
    baseType: row.baseType,
    kind: row.elementType === null ? kinds[row.typeKind] ?? "scalar" : "array",
    ...(row.elementType === null ? {} : { elementType: row.elementType }),
    ...sizes(measured, row.modifier),
    nullable: !row.notNull,
    hasDefault: row.defaultExpression !== null || row.typeDefault || row.identity !== "" ||
      generated,
    defaultExpression: row.defaultExpression,
    identity: row.identity,
    generated,
    enumValues: row.enumValues,
    // A client has to name the key of the row that it writes, always generated or not.
    readOnly: generated || (row.identity === "a" && !isKey),
  };
}

/** What the type modifier says; see `numerictypmodin` and `anychar_typmodin` in PostgreSQL. */
function sizes(type: string, modifier: number) {
  const none = { maxLength: null, precision: null, scale: null };
  if (modifier < 0) return none;
  if (type === "varchar" || type === "bpchar") return { ...none, maxLength: modifier - 4 };
  if (type === "bit" || type === "varbit") return { ...none, maxLength: modifier };
  if (type !== "numeric") return none;
  const packed = modifier - 4;
  // Eleven bits, signed: PostgreSQL 15 has negative scales.
  const scale = ((packed & 0x7ff) ^ 1024) - 1024;
  return { maxLength: null, precision: (packed >> 16) & 0xffff, scale };
}
