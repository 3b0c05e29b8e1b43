import { checkSchema, type FieldProblem } from "../errors/mod.ts";
import {
  defaultSettings,
  type Settings,
  type SettingsSection,
  settingsSections,
} from "./settings.ts";

/** Settings by section and name, as somebody gives them or as they are stored: without defaults. */
export type StoredSettings = Record<string, Record<string, unknown>>;

/** The values that `given` would store beside `stored`, and what is wrong with them. */
export function checkSettings(
  stored: StoredSettings,
  given: StoredSettings,
): { values: StoredSettings; problems: FieldProblem[] } {
  const values: StoredSettings = {};
  const problems: FieldProblem[] = [];
  for (const [section, members] of Object.entries(given)) {
    const unknown = unknownSection(section);
    if (unknown) {
      problems.push({ field: section.slice(0, 200), code: "unknown_field", message: unknown });
      continue;
    }
    const own = Object.entries(members).filter(([key]) => {
      const message = unknownSetting(section, key);
      if (!message) return true;
      const code = section === "MODELS" ? "invalid_value" : "unknown_field";
      problems.push({ field: `${section}.${key.slice(0, 200)}`, code, message });
      return false;
    });
    const checked = checkSection(section as SettingsSection, {
      ...stored[section],
      ...Object.fromEntries(own),
    });
    if (checked.ok) {
      const all = checked.data as Record<string, unknown>;
      values[section] = Object.fromEntries(own.map(([key]) => [key, all[key]]));
    } else {
      problems.push(
        ...checked.problems.map((problem) => ({
          ...problem,
          message: `${problem.field}: ${problem.message}`,
        })),
      );
    }
  }
  return { values, problems };
}

/** The section that `values` make with its defaults. Names that this version does not know are ignored. */
export function checkSection<S extends SettingsSection>(
  section: S,
  values: Record<string, unknown>,
) {
  const known = Object.entries(values).filter(([key]) => !unknownSetting(section, key));
  return checkSchema<Settings[SettingsSection]>(
    settingsSections[section],
    Object.fromEntries(known),
    [section],
  );
}

/** Says that there is no such section. */
export function unknownSection(section: string): string | undefined {
  if (Object.hasOwn(settingsSections, section)) return;
  const known = Object.keys(settingsSections).join(", ");
  return `There is no section ${section.slice(0, 100)} of settings. The sections are ${known}.`;
}

/** Says that a section has no such setting. MODELS takes any model's name; the others know theirs. */
function unknownSetting(section: string, key: string): string | undefined {
  if (section === "MODELS") {
    if (key.length <= 200 && /^[^\0]+\.[^\0]+$/.test(key)) return;
    return "A setting of MODELS is named as a model: app.Model in at most 200 characters.";
  }
  const fixed: Record<string, unknown> = defaultSettings()[section as SettingsSection];
  if (Object.hasOwn(fixed, key)) return;
  return `There is no setting ${section}.${key.slice(0, 200)}. The settings of ${section} are ` +
    `${Object.keys(fixed).join(", ")}.`;
}
