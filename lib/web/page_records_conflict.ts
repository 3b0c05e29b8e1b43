import type { RecordConflictField } from "../ui/mod.ts";
import type { StoredRecord } from "../sync/mod.ts";
import { humanName, type RecordsVisit } from "./page_records.ts";
import { baseOf, type RecordForm } from "./page_records_form.ts";

/** What two people made of a record at the same time. */
export interface RecordConflict {
  /** Columns that the other one changed, and those that the person changed to something else. */
  fields: RecordConflictField[];
  /** The stored values of these columns. */
  theirs: Record<string, string | null>;
  /** Whether the other one changed anything that the form lets people set. */
  theyChanged: boolean;
}

/** Compares a form with what stands in the database since it was opened. */
export function recordConflict(
  { model }: RecordsVisit,
  form: RecordForm,
  current: StoredRecord,
): RecordConflict {
  const stored = baseOf(model, current);
  const fields = Object.keys(form.base).filter((name) => name in stored).flatMap((name) => {
    const base = form.base[name];
    const theirs = stored[name];
    const yours = name in form.texts ? form.texts[name] : base;
    const [you, they] = [yours !== base, theirs !== base];
    if (yours === theirs || !you && !they) return [];
    return [{
      name,
      label: humanName(name),
      base,
      theirs,
      yours,
      choice: you && they ? undefined : you ? "yours" as const : "theirs" as const,
    }];
  });
  return {
    fields,
    theirs: Object.fromEntries(fields.map(({ name, theirs }) => [name, theirs])),
    theyChanged: Object.keys(form.base).some((name) => stored[name] !== form.base[name]),
  };
}
