import { type Database, identifier, loadSettings, sqlError } from "../db/mod.ts";
import { discoverModels } from "./discover_models.ts";
import type { Catalog } from "./model.ts";

/** Objects that were created after `initdb` have at least this oid: FirstNormalObjectId. */
const firstOid = 16_384;

/**
 * Count and sum over the transaction ids that wrote the rows of a catalog. Every change of a row
 * gives it a new one. `age` counts backwards from the current transaction, for both alike, and is
 * the cheapest way to make a number of an xid; rows that `initdb` froze have the greatest age.
 */
function versionOf(from: string, oid: string, condition: string): string {
  return `(SELECT concat(count(*), ':',
    sum((age('3'::xid) - age(xmin))::bigint # (${oid})::bigint))
    FROM ${from} WHERE age(xmin) < 2147483647 AND ${condition})`;
}

const versionParts = [
  versionOf("pg_attribute", "attrelid", `attrelid >= ${firstOid} AND attnum > 0`),
  versionOf("pg_class", "oid", `oid >= ${firstOid} AND relpersistence <> 't'`),
  versionOf("pg_constraint", "oid", `oid >= ${firstOid}`),
  versionOf("pg_index", "indexrelid", `indexrelid >= ${firstOid}`),
  versionOf("pg_attrdef", "oid", `oid >= ${firstOid}`),
  versionOf("pg_type", "oid", `oid >= ${firstOid} AND typtype IN ('d', 'e')`),
  versionOf("pg_enum", "oid", `oid >= ${firstOid}`),
  versionOf("pg_namespace", "oid", "true"),
  versionOf("pg_extension", "oid", "true"),
  versionOf("lockstep.sync_configuration", "0", "true"),
];

/** A check that takes longer than this, in milliseconds, is made at most every `restMs`. */
const quickMs = 2;
const restMs = 250;

/**
 * The models of a database. `current` answers from memory and asks the database first, by one short
 * statement, whether the schema or a setting has changed: each time while that takes under 2 ms (100
 * tables: 0.9 ms), else at most four times a second.
 *
 * `current` needs a connection of its own: await it before opening a transaction, not inside.
 */
export class ModelCatalog {
  readonly #db: Database;
  #catalog?: Catalog;
  /** Undefined when the schema has to be read again in any case. */
  #version?: string;
  #discoveredAt = 0;
  #lifetimeMs = 0;
  #checkedAt = -Infinity;
  #durations: number[] = [];
  #djangoSchemas: string[] = [];
  #running?: Promise<Catalog>;
  #next?: Promise<Catalog>;
  #generation = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * The catalog as of this call. The same object as before when nothing in it changed.
   *
   * @throws LockstepError `invalid_configuration` when a stored setting is not valid.
   */
  current(): Promise<Catalog> {
    const slow = this.#durations.length > 0 && Math.min(...this.#durations) > quickMs;
    if (this.#catalog && slow && performance.now() - this.#checkedAt < restMs) {
      return Promise.resolve(this.#catalog);
    }
    if (!this.#running) return this.#start();
    // The running check may have read before what this caller knows of: all wait for one more.
    this.#next ??= this.#running.catch(() => {}).then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  /** The next `current` reads the schema again. */
  invalidate(): void {
    this.#generation++;
    this.#version = undefined;
    this.#checkedAt = -Infinity;
  }

  #start(): Promise<Catalog> {
    this.#running = this.#refresh().finally(() => this.#running = undefined);
    return this.#running;
  }

  async #refresh(): Promise<Catalog> {
    const generation = this.#generation;
    const startedAt = performance.now();
    const version = await this.#readVersion().catch((error) => {
      // Django's table may have been dropped: discovery will tell.
      if (this.#djangoSchemas.length === 0 || !sqlError(error)) throw error;
      this.#djangoSchemas = [];
      return undefined;
    });
    const now = performance.now();
    this.#durations = [...this.#durations.slice(-7), now - startedAt];
    const unchanged = version !== undefined && version === this.#version;
    if (this.#catalog && unchanged && now - this.#discoveredAt < this.#lifetimeMs) {
      this.#checkedAt = startedAt;
      return this.#catalog;
    }
    const settings = await loadSettings(this.#db);
    const found = await discoverModels(this.#db, settings);
    if (found.fingerprint !== this.#catalog?.fingerprint) this.#catalog = found;
    const { ENABLE_DISCOVERY_CACHING, DISCOVERY_CACHE_TIMEOUT } = settings.MODEL_DISCOVERY;
    this.#lifetimeMs = ENABLE_DISCOVERY_CACHING ? DISCOVERY_CACHE_TIMEOUT * 1000 : 0;
    this.#djangoSchemas = djangoSchemas(found);
    if (generation === this.#generation) {
      this.#version = version;
      this.#discoveredAt = now;
      this.#checkedAt = startedAt;
    }
    return this.#catalog!;
  }

  /** Django writes its content types after it has made the tables: they are watched as well. */
  async #readVersion(): Promise<string> {
    const parts = [
      ...versionParts,
      ...this.#djangoSchemas.map((schema) =>
        versionOf(identifier(schema, "django_content_type"), "0", "true")
      ),
    ];
    const [{ version }] = await this.#db.query<{ version: string }>(
      `SELECT concat_ws(' ', ${parts.join(", ")}) AS version`,
    );
    return version;
  }
}

function djangoSchemas(catalog: Catalog): string[] {
  return catalog.models
    .filter((model) => model.table === "django_content_type" && model.app === "contenttypes")
    .map((model) => model.schema).sort();
}
