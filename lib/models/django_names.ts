import type { ContentTypeRow } from "./read_schema.ts";

/** What the content types of one schema say, by table name. */
export type DjangoNames = ReadonlyMap<string, ReadonlyMap<string, DjangoName>>;

export interface DjangoName {
  app: string;
  className: string;
  /** Other spellings of the class. */
  aliases: string[];
  registered: boolean;
  builtIn: boolean;
}

/** Apps that belong to Django and its companions, which a project does not sync unless it says so. */
const builtInApps = new Set([
  "admin",
  "auth",
  "authtoken",
  "contenttypes",
  "django_celery_beat",
  "django_celery_results",
  "flatpages",
  "migrations",
  "redirects",
  "sb_sync",
  "sessions",
  "sites",
]);

/** Tables that Django names otherwise than `<app>_<model>`. */
const ownTables: Record<string, [app: string, className: string]> = {
  django_admin_log: ["admin", "LogEntry"],
  django_content_type: ["contenttypes", "ContentType"],
  django_flatpage: ["flatpages", "FlatPage"],
  django_flatpage_sites: ["flatpages", "FlatPage_sites"],
  django_migrations: ["migrations", "Migration"],
  django_redirect: ["redirects", "Redirect"],
  django_session: ["sessions", "Session"],
  django_site: ["sites", "Site"],
};

/**
 * Arranges content types by the tables that Django makes for them: `<app_label>_<model>`. `schemas`
 * are those that have a table of content types, be it an empty one.
 */
export function djangoNames(
  schemas: readonly string[],
  contentTypes: readonly ContentTypeRow[],
): DjangoNames {
  const names = new Map(schemas.map((schema) => [schema, new Map<string, DjangoName>()]));
  for (const { schema, app, model } of contentTypes) {
    names.get(schema)?.set(`${app}_${model}`.toLowerCase(), {
      app,
      className: wordsOf(model),
      aliases: [model],
      registered: true,
      builtIn: builtInApps.has(app),
    });
  }
  for (const tables of names.values()) {
    for (const [table, [app, className]] of Object.entries(ownTables)) {
      tables.set(table, { app, className, aliases: [], registered: true, builtIn: true });
    }
  }
  return names;
}

/**
 * Django's name of a table, undefined when Django does not know it. The table that links two models
 * (`myapp_order_tags`) has no content type of its own: Django calls it `myapp.Order_tags`.
 */
export function djangoName(
  names: DjangoNames,
  schema: string,
  table: string,
): DjangoName | undefined {
  const tables = names.get(schema);
  if (!tables) return;
  const lower = table.toLowerCase();
  const known = tables.get(lower);
  if (known) return known;
  for (let end = lower.lastIndexOf("_"); end > 0; end = lower.lastIndexOf("_", end - 1)) {
    const owner = tables.get(lower.slice(0, end));
    if (owner) {
      return {
        ...owner,
        className: owner.className + table.slice(end),
        aliases: [],
        registered: false,
      };
    }
  }
}

/** Content types keep a class in lower case, so that only its underscores tell its words. */
function wordsOf(model: string): string {
  return model.split("_").filter(Boolean).map((word) => word[0].toUpperCase() + word.slice(1))
    .join("") || model;
}
