import { checkSettings, type Settings, type StoredSettings } from "../config/mod.ts";
import { type Database, settingsOf, storedSettings } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { type Catalog, discoverModels } from "../models/mod.ts";

const sections: (keyof Settings)[] = ["MODEL_DISCOVERY", "MODELS", "TENANT"];

/** The sections of settings that discovery depends on. */
export const discoverySections: readonly string[] = sections;

/** What discovery would find. */
export interface DiscoveryPreview {
  found: Pick<Catalog, "fingerprint" | "models" | "warnings">;
  /** Models that would be enabled, and those that would be no longer. */
  added: string[];
  removed: string[];
}

/**
 * What discovery would find with other settings. Nothing is saved; what is not named is as it is
 * stored.
 *
 * @throws LockstepError `invalid_value` naming every setting that is not valid
 */
export async function previewDiscovery(
  db: Database,
  catalog: Catalog,
  given: StoredSettings,
): Promise<DiscoveryPreview> {
  const stored = await storedSettings(db);
  const { values, problems } = checkSettings(stored, given);
  for (const section of Object.keys(given)) {
    if (discoverySections.includes(section)) continue;
    problems.push({
      field: `settings.${section.slice(0, 100)}`,
      message: "Has no part in discovery. Leave it out.",
    });
  }
  if (problems.length > 0) {
    throw new LockstepError("invalid_value", `${problems[0].field}: ${problems[0].message}`, {
      errors: problems,
    });
  }
  const merged = { ...stored };
  for (const [section, members] of Object.entries(values)) {
    merged[section] = { ...stored[section], ...members };
  }
  const found = await discoverModels(db, settingsOf(merged));
  const enabled = (models: typeof found.models) =>
    new Set(models.filter((model) => model.enabled).map(({ name }) => name));
  const [before, after] = [enabled(catalog.models), enabled(found.models)];
  return { found, added: [...after.difference(before)], removed: [...before.difference(after)] };
}
