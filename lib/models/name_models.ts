import type { Settings } from "../config/mod.ts";
import { djangoName, type DjangoNames } from "./django_names.ts";
import type { ModelName } from "./model.ts";

export interface NamedTable {
  oid: number;
  schema: string;
  name: string;
}

export interface Naming {
  name: ModelName;
  app: string;
  /** The class part of the name, without prefix and suffix. */
  className: string;
  /** Every spelling that the model answers to, in lower case. */
  spellings: string[];
  /** Django registered the table. */
  registered: boolean;
  /** The table belongs to Django itself or to sb-sync. */
  builtIn: boolean;
}

/** `order_item` → `OrderItem`; letters within a word keep their case. */
export function className(table: string): string {
  const words = table.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const joined = words.map((word) => {
    const [first] = word;
    return first.toUpperCase() + word.slice(first.length);
  }).join("");
  return joined || table;
}

/**
 * Gives every table its model name. Tables whose names would be equal, without regard to case, are
 * all named by their quoted table (`shop."order_item"`), so that a new table never takes over the
 * name, and with it the clients and permissions, of another one.
 */
export function nameModels(
  tables: readonly NamedTable[],
  django: DjangoNames,
  settings: Settings["MODEL_DISCOVERY"],
): { names: Map<number, Naming>; warnings: string[] } {
  const { MODEL_PREFIX: prefix, MODEL_SUFFIX: suffix, MODEL_NAMESPACE: namespace } = settings;
  const qualify = (app: string, name: string) =>
    (namespace ? `${namespace}.` : "") + `${app}.${prefix}${name}${suffix}`;
  const names = new Map<number, Naming>();
  const bySpelling = new Map<string, NamedTable[]>();
  for (const table of tables) {
    const known = djangoName(django, table.schema, table.name);
    const app = known?.app ?? table.schema;
    const ownClass = known?.className ?? className(table.name);
    const name = qualify(app, ownClass);
    const spellings = [name, ...(known?.aliases ?? []).map((alias) => qualify(app, alias))]
      .map((spelling) => spelling.toLowerCase());
    names.set(table.oid, {
      name: name as ModelName,
      app,
      className: ownClass,
      spellings: [...new Set(spellings)],
      registered: known?.registered ?? false,
      builtIn: known?.builtIn ?? false,
    });
    const key = name.toLowerCase();
    bySpelling.set(key, [...bySpelling.get(key) ?? [], table]);
  }
  const warnings: string[] = [];
  for (const clashing of bySpelling.values()) {
    if (clashing.length === 1) continue;
    const ambiguous = names.get(clashing[0].oid)!.name;
    const quoted = clashing.map((table) => `${table.schema}.${JSON.stringify(table.name)}`).sort();
    warnings.push(
      `The tables ${quoted.join(" and ")} would all be called ${ambiguous}. ` +
        "Each is named by its quoted table name instead; rename one to get the usual name.",
    );
    for (const table of clashing) {
      const naming = names.get(table.oid)!;
      naming.name = `${table.schema}.${JSON.stringify(table.name)}` as ModelName;
    }
  }
  return { names, warnings };
}
