import { z } from "zod";
import {
  defaultSettings,
  type Settings,
  type SettingsSection,
  settingsSections,
} from "../config/mod.ts";
import { type Connection, storedSettings, type Transaction } from "../db/mod.ts";
import { type FieldProblem, LockstepError } from "../errors/mod.ts";

export type StoredSettings = Record<string, Record<string, unknown>>;

/** One section of settings as the admin API shows it. */
export interface SectionView {
  section: string;
  /** Stored values with the defaults filled in. */
  current: unknown;
  defaults: unknown;
  /** The names that are stored, and so differ from the default or are held to it. */
  stored: string[];
  /** JSON Schema of the section. */
  schema: unknown;
  /** Changes with every change of the section. */
  version: string;
}

export const sectionSchema = z.object({
  section: z.string(),
  current: z.unknown(),
  defaults: z.unknown(),
  stored: z.array(z.string()).describe("Names of the stored settings."),
  schema: z.unknown().describe("JSON Schema of the section."),
  version: z.string(),
});

/** Settings by section and name. */
export const settingsDocument = z.record(z.string(), z.record(z.string(), z.unknown()));

/** All sections, or the one of that name. */
export async function readSections(
  conn: Connection,
  settings: Settings,
  only?: SettingsSection,
): Promise<SectionView[]> {
  const rows = await conn.query<{ section: string; keys: string[]; version: string }>(
    `SELECT section, json_agg(key ORDER BY key) AS keys, ${sectionVersion} AS version
    FROM lockstep.sync_configuration GROUP BY section`,
  );
  const bySection = new Map(rows.map((row) => [row.section, row]));
  const defaults = defaultSettings();
  const sections = Object.keys(settingsSections) as SettingsSection[];
  return sections.filter((section) => only === undefined || section === only).map((section) => ({
    section,
    current: settings[section],
    defaults: defaults[section],
    stored: bySection.get(section)?.keys ?? [],
    schema: z.toJSONSchema(settingsSections[section], { io: "input" }),
    version: bySection.get(section)?.version ?? emptyVersion,
  }));
}

const sectionVersion = "md5(string_agg(key || ' ' || xmin::text, ',' ORDER BY key))";
const emptyVersion = "none";

/** @throws LockstepError `not_found` */
export function sectionNamed(name: string): SettingsSection {
  if (Object.hasOwn(settingsSections, name)) return name as SettingsSection;
  throw new LockstepError(
    "not_found",
    `There is no section ${name.slice(0, 100)} of settings. The sections are ${
      Object.keys(settingsSections).join(", ")
    }.`,
  );
}

/** A setting that a change gives another value. Undefined stands for the default. */
export interface SettingChange {
  section: string;
  key: string;
  before: unknown;
  after: unknown;
}

/** Holds off other changes of settings until the transaction ends. */
export async function lockSettings(tx: Transaction): Promise<StoredSettings> {
  await tx.execute("LOCK TABLE lockstep.sync_configuration IN SHARE ROW EXCLUSIVE MODE");
  return await storedSettings(tx);
}

/**
 * @throws LockstepError `precondition_failed` when the section changed since `version` was read
 */
export async function requireSectionVersion(
  tx: Transaction,
  section: SettingsSection,
  version: string,
): Promise<void> {
  if (version === "*") return;
  const [row] = await tx.query<{ version: string | null }>(
    `SELECT ${sectionVersion} AS version FROM lockstep.sync_configuration WHERE section = $1`,
    [section],
  );
  if ((row.version ?? emptyVersion) === version) return;
  throw new LockstepError(
    "precondition_failed",
    `The settings of ${section} were changed since you read them. Read them again, and decide.`,
  );
}

/**
 * Stores settings, all or none; what is so already is not written. `locked` is what is stored.
 *
 * @param replace also resets, in every section, what `given` does not have
 * @throws LockstepError `invalid_value` naming every setting that is not valid
 */
export async function storeSettings(
  tx: Transaction,
  locked: StoredSettings,
  given: StoredSettings,
  replace: boolean,
): Promise<SettingChange[]> {
  const { values, problems } = checkSettings(replace ? {} : locked, given);
  if (problems.length > 0) {
    throw new LockstepError("invalid_value", problems[0].message, { errors: problems });
  }
  const changes = changesBetween(locked, values, replace);
  const removed = changes.filter(({ after }) => after === undefined);
  const written = changes.filter(({ after }) => after !== undefined);
  await tx.execute(
    `INSERT INTO lockstep.sync_configuration (section, key, value)
    SELECT section, key, value
    FROM jsonb_to_recordset($1::text::jsonb) AS r (section text, key text, value jsonb)
    ON CONFLICT (section, key) DO UPDATE SET value = excluded.value, updated_at = now()`,
    [JSON.stringify(written.map(({ section, key, after }) => ({ section, key, value: after })))],
  );
  await tx.execute(
    `DELETE FROM lockstep.sync_configuration c
    USING jsonb_to_recordset($1::text::jsonb) AS r (section text, key text)
    WHERE c.section = r.section AND c.key = r.key`,
    [JSON.stringify(removed.map(({ section, key }) => ({ section, key })))],
  );
  return changes;
}

/** The values that `given` would store beside `stored`, and what is wrong with them. */
export function checkSettings(
  stored: StoredSettings,
  given: StoredSettings,
): { values: StoredSettings; problems: FieldProblem[] } {
  const values: StoredSettings = {};
  const problems: FieldProblem[] = [];
  for (const [section, members] of Object.entries(given)) {
    if (!Object.hasOwn(settingsSections, section)) {
      problems.push({
        field: section.slice(0, 200),
        code: "unknown_field",
        message: `There is no section ${section.slice(0, 100)} of settings.`,
      });
      continue;
    }
    const unnamable = section === "MODELS"
      ? Object.keys(members).filter((key) => key.length > 200 || !/^[^\0]+\.[^\0]+$/.test(key))
      : [];
    for (const key of unnamable) {
      problems.push({
        field: `${section}.${key.slice(0, 200)}`,
        code: "invalid_value",
        message: "A setting of MODELS is named as a model: app.Model in at most 200 characters.",
      });
    }
    const known = Object.keys(defaultSettings()[section as SettingsSection]);
    const beside = Object.entries(stored[section] ?? {})
      .filter(([key]) => section === "MODELS" || known.includes(key));
    const parsed = settingsSections[section as SettingsSection].safeParse({
      ...Object.fromEntries(beside),
      ...members,
    });
    if (parsed.success) {
      const all = parsed.data as Record<string, unknown>;
      values[section] = Object.fromEntries(Object.keys(members).map((key) => [key, all[key]]));
    } else problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(section, issue)));
  }
  return { values, problems };
}

function problemsOf(section: string, issue: z.core.$ZodIssue): FieldProblem[] {
  const path = [section, ...issue.path.map(String)];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      field: [...path, key].join(".").slice(0, 300),
      code: "unknown_field",
      message: `There is no setting ${[...path, key].join(".").slice(0, 300)}.`,
    }));
  }
  const field = path.join(".").slice(0, 300);
  return [{ field, code: "invalid_value", message: `${field}: ${issue.message}.` }];
}

function changesBetween(
  stored: StoredSettings,
  values: StoredSettings,
  replace: boolean,
): SettingChange[] {
  const sections = new Set([...Object.keys(values), ...(replace ? Object.keys(stored) : [])]);
  return [...sections].flatMap((section) => {
    const [old, now] = [stored[section] ?? {}, values[section] ?? {}];
    const keys = new Set([...Object.keys(now), ...(replace ? Object.keys(old) : [])]);
    return [...keys].map((key) => ({ section, key, before: old[key], after: now[key] }))
      .filter(({ before, after }) => canonical(before) !== canonical(after));
  });
}

/** JSON with sorted names: PostgreSQL stores objects in an order of its own. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(
    value,
    (_, inner) =>
      inner !== null && typeof inner === "object" && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1))
        : inner,
  );
}
