import type { z } from "zod";
import { defaultSettings, type Settings, settingsSections } from "../config/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Connection } from "./connection.ts";

type Stored = Record<string, Record<string, unknown>>;

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
export async function storedSettings(conn: Connection): Promise<Stored> {
  const rows = await conn.query<{ section: string; key: string; value: unknown }>(
    "SELECT section, key, value FROM lockstep.sync_configuration ORDER BY section, key",
  );
  const stored: Stored = {};
  for (const { section, key, value } of rows) (stored[section] ??= {})[key] = value;
  return stored;
}

/**
 * The settings that `stored` makes. Keys that this version does not know are ignored.
 *
 * @throws LockstepError `invalid_configuration` naming the setting.
 */
export function settingsOf(stored: Stored): Settings {
  const settings: Record<string, unknown> = { ...defaultSettings() };
  for (const [section, schema] of Object.entries(settingsSections)) {
    const values = Object.entries(stored[section] ?? {})
      .filter(([key]) => unknownKey(section, key) === undefined);
    if (values.length === 0) continue;
    const parsed = schema.safeParse(Object.fromEntries(values));
    if (!parsed.success) {
      const { field, message } = problem(section, parsed.error);
      throw new LockstepError(
        "invalid_configuration",
        `The stored setting ${field} is not valid: ${message}. Save a valid value or reset it.`,
      );
    }
    settings[section] = parsed.data;
  }
  return settings as Settings;
}

/**
 * Validates and stores one setting.
 *
 * @throws LockstepError `invalid_value` naming the setting, for an unknown one too.
 */
export async function saveSetting(
  conn: Connection,
  section: string,
  key: string,
  value: unknown,
): Promise<void> {
  const name = `${section}.${key}`;
  const unknown = unknownSection(section) ?? unknownKey(section, key);
  if (unknown) throw invalid(name, unknown);
  const stored = (await storedSettings(conn))[section] ?? {};
  const others = Object.entries(stored).filter(([other]) =>
    unknownKey(section, other) === undefined
  );
  const parsed = schemaOf(section).safeParse({ ...Object.fromEntries(others), [key]: value });
  if (!parsed.success) {
    const { field, message } = problem(section, parsed.error);
    throw invalid(field, `The setting ${field} cannot be saved: ${message}.`);
  }
  await conn.query(
    `INSERT INTO lockstep.sync_configuration (section, key, value)
     VALUES ($1, $2, $3::text::jsonb)
     ON CONFLICT (section, key) DO UPDATE SET value = excluded.value, updated_at = now()
     WHERE sync_configuration.value IS DISTINCT FROM excluded.value`,
    [section, key, JSON.stringify((parsed.data as Record<string, unknown>)[key])],
  );
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
  if (unknown) throw invalid(section, unknown);
  const { count } = await conn.execute(
    `DELETE FROM lockstep.sync_configuration
     WHERE section = coalesce($1, section) AND key = coalesce($2, key)`,
    [section ?? null, key ?? null],
  );
  return count;
}

function schemaOf(section: string): z.ZodType {
  return settingsSections[section as keyof typeof settingsSections];
}

function unknownSection(section: string): string | undefined {
  if (Object.hasOwn(settingsSections, section)) return;
  const known = Object.keys(settingsSections).join(", ");
  return `There is no section ${section} of settings. The sections are ${known}.`;
}

/** MODELS takes any model's name; the other sections know all of their keys. */
function unknownKey(section: string, key: string): string | undefined {
  if (section === "MODELS") {
    if (key.length <= 200 && /^[^\0]+\.[^\0]+$/.test(key)) return;
    return `A setting of MODELS is named as a model, app.Model in at most 200 characters, not ${key}.`;
  }
  const fixed: Record<string, unknown> = defaultSettings()[section as keyof Settings];
  if (Object.hasOwn(fixed, key)) return;
  return `There is no setting ${section}.${key}. The settings of ${section} are ` +
    `${Object.keys(fixed).join(", ")}.`;
}

function problem(section: string, error: z.ZodError): { field: string; message: string } {
  const [{ path, message }] = error.issues;
  const [key, ...inside] = path.map(String);
  const where = inside.length > 0 ? ` (at ${inside.join(".")})` : "";
  const text = message.replace(/^Invalid input: /, "").replace(/^Too (big|small): /, "");
  return { field: key === undefined ? section : `${section}.${key}`, message: text + where };
}

function invalid(field: string, message: string): LockstepError {
  return new LockstepError("invalid_value", message, { errors: [{ field, message }] });
}
