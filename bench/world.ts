import { createOrganization, createUser } from "../lib/access/mod.ts";
import { defaultSettings } from "../lib/config/mod.ts";
import { type Database, migrate, openPostgres } from "../lib/db/mod.ts";
import { PostgresServer } from "../tests/support/postgres_server.ts";
import { cityColumns, cityType, createCities, readCities } from "./cities.ts";
import { Client } from "./client.ts";
import { ServerProcess } from "./server_process.ts";

/** Of the user of `prepare`. */
export const password = "correct horse battery staple";

/** A PostgreSQL database with an organization and a user who may push and pull everything in it. */
export class World implements AsyncDisposable {
  private constructor(
    readonly url: string,
    readonly db: Database,
    readonly organizationId: number,
    readonly groupId: number,
    readonly dispose: () => Promise<void>,
  ) {}

  /** On the server at `LOCKSTEP_BENCH_DATABASE_URL`, or on one that ends with this process. */
  static async open(): Promise<World> {
    const given = Deno.env.get("LOCKSTEP_BENCH_DATABASE_URL");
    const server = given ? undefined : await PostgresServer.start();
    const admin = openPostgres(given ?? server!.url(), { max: 1 });
    const name = `bench_${crypto.randomUUID().replaceAll("-", "")}`;
    await admin.script(`CREATE DATABASE ${name}`);
    const url = Object.assign(new URL(given ?? server!.url()), { pathname: `/${name}` }).href;
    const db = openPostgres(url, { statementTimeout: 600_000 });
    const { organizationId, groupId } = await prepare(db);
    return new World(url, db, organizationId, groupId, async () => {
      await db.close();
      await admin.script(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.close();
      await server?.stop();
    });
  }

  /** Lets the user push and pull a model. */
  async grant(model: string): Promise<void> {
    await grant(this.db, this.organizationId, this.groupId, model);
  }

  async startServer(
    flags: string[] = [],
    env: Record<string, string> = {},
  ): Promise<ServerProcess> {
    return await ServerProcess.start({ DATABASE_URL: this.url, ...env }, flags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

/** Migrates a database and makes the organization, its group and the user. */
export async function prepare(
  db: Database,
): Promise<{ organizationId: number; groupId: number }> {
  await migrate(db);
  const organizationId = await createOrganization(db, { name: "Bench" });
  const userId = await createUser(db, { username: "bench", password }, defaultSettings().SECURITY);
  const [{ id: groupId }] = await db.query<{ id: number }>(
    "INSERT INTO lockstep.auth_group (name) VALUES ('Bench') RETURNING id",
  );
  await db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
     VALUES ($1, $2, $3)`,
    [userId, organizationId, groupId],
  );
  return { organizationId, groupId };
}

/** Lets a group of an organization push and pull a model. */
export async function grant(
  db: Database,
  organizationId: number,
  groupId: number,
  model: string,
): Promise<void> {
  await db.query(
    `INSERT INTO lockstep.model_permission
       (organization_id, group_id, model_name, can_push, can_pull)
     VALUES ($1, $2, $3, true, true)`,
    [organizationId, groupId, model],
  );
}

/** Signs the user of `prepare` in. */
export async function signIn(server: { origin: string }): Promise<Client> {
  return await Client.signIn(server.origin, "bench", password);
}

/** Makes a table of `count` cities, real ones over and over under growing keys. */
export async function fillCities(world: World, table: string, count: number): Promise<void> {
  const { db, organizationId } = world;
  if (!await exists(db, "public.source")) {
    await db.script(`CREATE UNLOGGED TABLE public.source AS ${sourceOf("NULL")} LIMIT 0`);
    await db.query(
      `INSERT INTO public.source ${sourceOf("$1")}`,
      [JSON.stringify(await readCities())],
    );
    await db.script("CREATE UNIQUE INDEX ON public.source (position)");
  }
  await db.script(createCities(table));
  const columns = cityColumns.filter((name) => name !== "id");
  await db.query(
    `INSERT INTO ${table} (id, ${columns.join(", ")}, organization_id)
     SELECT n, ${columns.map((name) => `s.${name}`).join(", ")}, $2
     FROM generate_series(1, $1::int) n
     JOIN public.source s ON s.position = n % (SELECT count(*) FROM public.source)`,
    [count, organizationId],
  );
  await db.script(`VACUUM ANALYZE ${table}`);
}

function sourceOf(json: string): string {
  const types = cityColumns.map((name) => `${name} ${cityType(name)}`).join(", ");
  return `
    SELECT r.*, row_number() OVER () - 1 AS position
    FROM json_to_recordset(${json}::text::json) AS r (${types})`;
}

async function exists(db: Database, table: string): Promise<boolean> {
  const [{ found }] = await db.query<{ found: boolean }>(
    "SELECT to_regclass($1) IS NOT NULL AS found",
    [table],
  );
  return found;
}
