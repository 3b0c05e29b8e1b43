import type { Settings } from "../config/mod.ts";
import type { Model } from "./model.ts";
import type { Naming } from "./name_models.ts";
import type { RelationRow } from "./read_schema.ts";

type Discovery = Settings["MODEL_DISCOVERY"];

/** A model with everything that a discovery setting can ask of it. */
export interface Candidate {
  model: Model;
  naming: Naming;
  relation: RelationRow;
  /** A table of this schema is called so. */
  hasTable(name: string): boolean;
  /** The section MODELS has an entry for it. */
  configured: boolean;
}

export interface Exclusion {
  setting: keyof Discovery;
  reason: string;
}

/** Tells for one set of settings which of them leaves a model out, and why. */
export function exclusionsBy(settings: Discovery): (candidate: Candidate) => Exclusion | undefined {
  const lower = (values: readonly string[]) => new Set(values.map((value) => value.toLowerCase()));
  const patterns = (sources: readonly string[]) => sources.map((source) => new RegExp(source, "u"));
  const apps = lower(settings.INCLUDE_APPS);
  const excluded = lower(settings.EXCLUDE_MODELS);
  const include = patterns(settings.INCLUDE_MODEL_PATTERNS);
  const exclude = patterns(settings.EXCLUDE_MODEL_PATTERNS);
  const types = new Set<string>(settings.INCLUDE_MODEL_TYPES);
  const appExclusions = new Map(
    Object.entries(settings.APP_SPECIFIC_EXCLUSIONS).map(([app, classes]) =>
      [app.toLowerCase(), lower(classes)] as const
    ),
  );

  return ({ model, naming, relation, hasTable, configured }) => {
    const app = naming.app.toLowerCase();
    const raw = `${model.schema}.${model.table}`;
    const fields = new Set(model.columns.map((column) => column.name));
    const included = include.length === 0 || include.some((pattern) => pattern.test(model.name));
    const type = typeOf(model);
    const because = (setting: keyof Discovery, reason: string) => ({ setting, reason });

    if (apps.size > 0 && !apps.has(app)) {
      return because("INCLUDE_APPS", `INCLUDE_APPS does not name its app ${naming.app}.`);
    }
    if (apps.size === 0 && naming.builtIn) {
      return because(
        "INCLUDE_APPS",
        `${naming.app} is one of Django's own apps, which are only synced when INCLUDE_APPS names them.`,
      );
    }
    if (!settings.AUTO_DISCOVER_MODELS && !configured && !(include.length > 0 && included)) {
      return because(
        "AUTO_DISCOVER_MODELS",
        "AUTO_DISCOVER_MODELS is off, and neither INCLUDE_MODEL_PATTERNS nor the section MODELS names it.",
      );
    }
    if (!settings.INCLUDE_CUSTOM_MODELS && !naming.registered && !apps.has(app)) {
      return because(
        "INCLUDE_CUSTOM_MODELS",
        "INCLUDE_CUSTOM_MODELS is off, and the table is in no framework's register.",
      );
    }
    if ([...naming.spellings, model.name, raw].some((name) => excluded.has(name.toLowerCase()))) {
      return because("EXCLUDE_MODELS", "EXCLUDE_MODELS names it.");
    }
    const classes = appExclusions.get(app);
    if (classes?.has(naming.className.toLowerCase()) || classes?.has(model.table.toLowerCase())) {
      return because(
        "APP_SPECIFIC_EXCLUSIONS",
        `APP_SPECIFIC_EXCLUSIONS names ${naming.className} for the app ${naming.app}.`,
      );
    }
    if (settings.EXCLUDE_ABSTRACT_MODELS && type === "abstract") {
      return because(
        "EXCLUDE_ABSTRACT_MODELS",
        "EXCLUDE_ABSTRACT_MODELS leaves out partitioned tables, which have no storage of their own.",
      );
    }
    if (settings.EXCLUDE_PROXY_MODELS && type === "proxy") {
      return because("EXCLUDE_PROXY_MODELS", "EXCLUDE_PROXY_MODELS leaves out views.");
    }
    if (!types.has(type)) {
      return because("INCLUDE_MODEL_TYPES", `INCLUDE_MODEL_TYPES does not name its type ${type}.`);
    }
    if (settings.EXCLUDE_HISTORICAL_MODELS && isHistorical(model, naming, fields, hasTable)) {
      return because(
        "EXCLUDE_HISTORICAL_MODELS",
        "EXCLUDE_HISTORICAL_MODELS leaves out tables that keep former versions of rows.",
      );
    }
    if (settings.EXCLUDE_MANAGER_MODELS && model.rowSecurity) {
      return because(
        "EXCLUDE_MANAGER_MODELS",
        "EXCLUDE_MANAGER_MODELS leaves out tables with row level security.",
      );
    }
    if (!included) {
      return because("INCLUDE_MODEL_PATTERNS", "It matches none of INCLUDE_MODEL_PATTERNS.");
    }
    const match = exclude.find((pattern) => pattern.test(model.name));
    if (match) {
      return because(
        "EXCLUDE_MODEL_PATTERNS",
        `It matches ${match.source}, one of EXCLUDE_MODEL_PATTERNS.`,
      );
    }
    const unwanted = settings.EXCLUDE_MODELS_WITH_FIELDS.find((field) => fields.has(field));
    if (unwanted !== undefined) {
      return because(
        "EXCLUDE_MODELS_WITH_FIELDS",
        `It has the column ${unwanted}, which EXCLUDE_MODELS_WITH_FIELDS names.`,
      );
    }
    const missing = settings.REQUIRE_MODELS_WITH_FIELDS.find((field) => !fields.has(field));
    if (missing !== undefined) {
      return because(
        "REQUIRE_MODELS_WITH_FIELDS",
        `It lacks the column ${missing}, which REQUIRE_MODELS_WITH_FIELDS names.`,
      );
    }
    if (settings.VALIDATE_MODEL_ACCESS && !relation.canRead) {
      return because(
        "VALIDATE_MODEL_ACCESS",
        "The database role may not read it, which VALIDATE_MODEL_ACCESS asks for: " +
          (relation.usable ? `GRANT SELECT ON ${raw}.` : `GRANT USAGE ON SCHEMA ${model.schema}.`),
      );
    }
    if (settings.CHECK_MODEL_PERMISSIONS && !relation.canWrite) {
      return because(
        "CHECK_MODEL_PERMISSIONS",
        "The database role may not write it, which CHECK_MODEL_PERMISSIONS asks for: " +
          `GRANT INSERT, UPDATE, DELETE ON ${raw}.`,
      );
    }
    if (settings.SAFE_DISCOVERY_MODE && relation.inherits) {
      return because(
        "SAFE_DISCOVERY_MODE",
        "SAFE_DISCOVERY_MODE leaves out table inheritance, where a parent shows its children's rows " +
          "but its triggers do not see them change.",
      );
    }
    if (settings.SAFE_DISCOVERY_MODE && relation.hasRules) {
      return because(
        "SAFE_DISCOVERY_MODE",
        "SAFE_DISCOVERY_MODE leaves out tables with rewrite rules, which can turn a write into another.",
      );
    }
  };
}

/**
 * Leaves out what MAX_MODELS_PER_APP does not admit: of each app's enabled models, those after the
 * first by name.
 */
export function limitPerApp(models: readonly Model[], most: number): void {
  const counts = new Map<string, number>();
  for (const model of models.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    if (!model.enabled) continue;
    const count = (counts.get(model.app) ?? 0) + 1;
    counts.set(model.app, count);
    if (count <= most) continue;
    model.enabled = false;
    model.excludedBy = "MAX_MODELS_PER_APP";
    model.reason =
      `MAX_MODELS_PER_APP admits ${most} models of the app ${model.app}, the first by name.`;
  }
}

function typeOf({ kind }: Model): "concrete" | "abstract" | "proxy" {
  if (kind === "view" || kind === "materialized view") return "proxy";
  return kind === "partitioned" ? "abstract" : "concrete";
}

function isHistorical(
  model: Model,
  naming: Naming,
  fields: Set<string>,
  hasTable: (name: string) => boolean,
): boolean {
  if (/^historical/i.test(naming.className)) return true;
  // The columns of django-simple-history.
  if (["history_id", "history_date", "history_type"].every((name) => fields.has(name))) return true;
  const [, subject] = /^(.+)_history$/.exec(model.table) ?? [];
  return subject !== undefined && hasTable(subject);
}
