import { isDeepStrictEqual } from "node:util";
import {
  checkSection,
  checkSettings,
  defaultSettings,
  type Settings,
  type SettingsSection,
  type StoredSettings,
  unknownSection,
} from "../config/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Connection, Transaction } from "./connection.ts";

/**
 * Reads the stored settings and fills in the defaults.
 *
 * @throws LockstepError `invalid_configuration` when a stored value is not valid. Falling back to the
 * default could open what somebody closed.
 */
export async function loadSettings(conn: Connection): Promise<Settings> {
  return settingsOf(await storedSettings(conn));
}

/** What is stored, by section and key, as it is: without defaults and not validated. */
export async function storedSettings(conn: Connection): Promise<StoredSettings> {
  const rows = await conn.query<{ section: string; key: string; value: unknown }>(
    "SELECT section, key, value FROM lockstep.sync_configuration ORDER BY section, key",
  );
  const stored: StoredSettings = {};
  for (const { section, key, value } of rows) (stored[section] ??= {})[key] = value;
  return stored;
}

/**
 * The settings that `stored` makes. Keys that this version does not know are ignored.
 *
 * @throws LockstepError `invalid_configuration` naming the setting.
 */
export function settingsOf(stored: StoredSettings): Settings {
  const settings: Record<string, unknown> = { ...defaultSettings() };
  for (const section of Object.keys(settings) as SettingsSection[]) {
    if (!stored[section]) continue;
    const checked = checkSection(section, stored[section]);
    if (!checked.ok) {
      const [{ field, message }] = checked.problems;
      throw new LockstepError(
        "invalid_configuration",
        `The stored setting ${field} is not valid: ${message} Save a valid value or reset it.`,
      );
    }
    settings[section] = checked.data;
  }
  return settings as Settings;
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
      .filter(({ before, after }) => !isDeepStrictEqual(before, after));
  });
}

/**
 * Forgets what is stored for one setting, one section, or everything, so that the defaults hold
 * again. Resolves to how many settings were stored.
 *
 * @throws LockstepError `invalid_value` for an unknown section.
 */
export async function resetSettings(
  conn: Connection,
  section?: string,
  key?: string,
): Promise<number> {
  const unknown = section !== undefined && unknownSection(section);
  if (unknown) {
    throw new LockstepError("invalid_value", unknown, {
      errors: [{ field: section, message: unknown }],
    });
  }
  const { count } = await conn.execute(
    `DELETE FROM lockstep.sync_configuration
     WHERE section = coalesce($1, section) AND key = coalesce($2, key)`,
    [section ?? null, key ?? null],
  );
  return count;
}
