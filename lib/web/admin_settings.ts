import { z } from "zod";
import {
  defaultSettings,
  type Settings,
  type SettingsSection,
  settingsSections,
} from "../config/mod.ts";
import type { Connection, Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";

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
