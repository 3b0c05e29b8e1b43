import { z } from "zod";
import { pattern } from "./setting_pattern.ts";
import { text, wholeNumber } from "./setting_types.ts";

const names = (max: number) => z.array(text(200, 1)).max(max).default([]);
const affix = z.string().max(32).regex(/^[\p{L}\p{N}_]*$/u, "May hold letters, digits and _ only.");

/** Which tables become models, and under which names. */
export const modelDiscovery = z.strictObject({
  AUTO_DISCOVER_MODELS: z.boolean().default(true).describe(
    "Every table becomes a model. Off: only those that INCLUDE_MODEL_PATTERNS or the section MODELS names.",
  ),
  INCLUDE_APPS: names(1000).describe(
    "Apps (schemas, or Django app labels) whose models are synced. Empty: all but Django's own.",
  ),
  EXCLUDE_MODELS: names(10_000).describe("Models that are never synced, as app.Model."),
  INCLUDE_CUSTOM_MODELS: z.boolean().default(true).describe(
    "Off: only tables that a framework registered (in django_content_type) or whose app INCLUDE_APPS names.",
  ),
  MODEL_PREFIX: affix.default("").describe("Put before the class part of every model name."),
  MODEL_SUFFIX: affix.default("").describe("Put after the class part of every model name."),
  MODEL_NAMESPACE: z.string().max(63)
    .regex(/^[\p{L}\p{N}_.]*$/u, "May hold letters, digits, _ and . only.").default("")
    .describe("Put with a dot before every model name."),
  EXCLUDE_ABSTRACT_MODELS: z.boolean().default(false).describe(
    "Leaves out partitioned tables, which have no storage of their own. Their partitions cannot be synced instead.",
  ),
  EXCLUDE_PROXY_MODELS: z.boolean().default(true).describe("Leaves out views."),
  EXCLUDE_HISTORICAL_MODELS: z.boolean().default(true).describe(
    "Leaves out tables that keep former versions of another table's rows: names that begin with " +
      "Historical, <table>_history beside <table>, and the columns of django-simple-history.",
  ),
  EXCLUDE_MANAGER_MODELS: z.boolean().default(false).describe(
    "Leaves out tables with row level security, where the database decides which rows there are.",
  ),
  INCLUDE_MODEL_PATTERNS: z.array(pattern).max(100).default([]).describe(
    "Regular expressions searched for in the name; a model must match one. Empty: all.",
  ),
  EXCLUDE_MODEL_PATTERNS: z.array(pattern).max(100).default([]).describe(
    "Regular expressions searched for in the name; a model that matches one is left out.",
  ),
  EXCLUDE_MODELS_WITH_FIELDS: names(1000).describe(
    "Leaves out models that have one of these columns.",
  ),
  REQUIRE_MODELS_WITH_FIELDS: names(1000).describe(
    "Leaves out models that lack one of these columns.",
  ),
  APP_SPECIFIC_EXCLUSIONS: z.record(text(200, 1), z.array(text(200, 1))).default({}).describe(
    "Per app, the classes that are left out: { auth: [Group, Permission] }.",
  ),
  INCLUDE_MODEL_TYPES: z.array(z.enum(["concrete", "abstract", "proxy"]))
    .default(["concrete", "abstract"])
    .describe("concrete: tables; abstract: partitioned tables; proxy: views."),
  ENABLE_DISCOVERY_CACHING: z.boolean().default(true).describe(
    "Keeps the models until the schema or a setting changes. Off: reads the whole schema for each request.",
  ),
  DISCOVERY_CACHE_TIMEOUT: wholeNumber(1, 86_400).default(3600).describe(
    "Seconds after which the schema is read again even if no change was noticed.",
  ),
  MAX_MODELS_PER_APP: wholeNumber(1, 100_000).default(10_000).describe(
    "Most models of one app, the first by name.",
  ),
  VALIDATE_MODEL_ACCESS: z.boolean().default(true).describe(
    "Leaves out tables that the database role may not read.",
  ),
  CHECK_MODEL_PERMISSIONS: z.boolean().default(false).describe(
    "Leaves out tables that the database role may not insert into, update and delete from.",
  ),
  SAFE_DISCOVERY_MODE: z.boolean().default(true).describe(
    "Leaves out tables whose changes triggers cannot see whole: table inheritance and rewrite rules.",
  ),
});

export const conflictPolicies = ["last_write_wins", "reject", "merge"] as const;

/** What a push does when the row changed since the client read it. */
export type ConflictPolicy = typeof conflictPolicies[number];

/** What is set for single models, by their names. */
export const models = z.record(
  z.string(),
  z.strictObject({
    conflict_policy: z.enum(conflictPolicies).optional(),
    writable: z.boolean().optional(),
    audit: z.boolean().optional(),
  }),
).default({});

/** How the rows of an organization are told from those of others. */
export const tenant = z.strictObject({
  TENANT_COLUMNS: z.array(text(63, 1)).max(100)
    .default(["organization_id", "organization", "org_id", "tenant_id", "site_id"])
    .describe(
      "Columns that hold the organization's id, in order of preference, where no foreign key to " +
        "lockstep.organization tells.",
    ),
});
