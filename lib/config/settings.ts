import { z } from "zod";
import { chat, collaboration } from "./settings_collaboration.ts";
import { jobs } from "./settings_jobs.ts";
import { modelDiscovery, models, tenant } from "./settings_model_discovery.ts";
import { security } from "./settings_security.ts";
import { logs, sync } from "./settings_sync.ts";

export { CronSchedule } from "./cron.ts";
export { conflictPolicies, type ConflictPolicy } from "./settings_model_discovery.ts";

/** Every section of stored settings. A new one is added here and nowhere else. */
export const settingsSections = {
  MODEL_DISCOVERY: modelDiscovery,
  MODELS: models,
  TENANT: tenant,
  SYNC: sync,
  LOGS: logs,
  COLLABORATION: collaboration,
  CHAT: chat,
  SECURITY: security,
  JOBS: jobs,
};

export type SettingsSection = keyof typeof settingsSections;

/** All stored settings with their defaults filled in. */
export type Settings = { [S in SettingsSection]: z.output<typeof settingsSections[S]> };

/** The settings of a fresh installation. */
export function defaultSettings(): Settings {
  return Object.fromEntries(
    Object.entries(settingsSections).map(([section, schema]) => [section, schema.parse({})]),
  ) as Settings;
}
