import type { Membership, Principal } from "../../lib/access/mod.ts";
import type { Database } from "../../lib/db/mod.ts";
import { ModelCatalog } from "../../lib/models/mod.ts";
import {
  JsonScanner,
  type PullPage,
  pullPage,
  type PullRequest,
  push,
  type PushOptions,
  type PushOutcome,
} from "../../lib/sync/mod.ts";
import { grant, type Rights } from "./grant.ts";

/** Two organizations, a group, and users with memberships: what a sync needs at the least. */
export interface SyncWorld {
  db: Database;
  catalog: ModelCatalog;
  /** A member of `organization` by name, with the groups given. */
  caller(username: string, organization: string): Promise<Caller>;
  /** Grants a group rights on a model of an organization. */
  grant(
    organization: string,
    group: string,
    model: string,
    rights: Rights,
  ): Promise<void>;
}

export interface Caller {
  principal: Principal;
  membership: Membership;
}

/** Opens a world on an empty, migrated database: organizations `one` and `two`, group `Staff`. */
export async function syncWorld(db: Database): Promise<SyncWorld> {
  await db.script(`
    INSERT INTO lockstep.organization (name, slug) VALUES ('One', 'one'), ('Two', 'two');
    INSERT INTO lockstep.auth_group (name) VALUES ('Staff'), ('Others');
    INSERT INTO lockstep.app_user (username, password)
      VALUES ('ann', '!'), ('ben', '!'), ('cat', '!');
    INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
      SELECT u.id, o.id, g.id FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
      WHERE (u.username, o.slug, g.name) IN
        (('ann', 'one', 'Staff'), ('ben', 'one', 'Others'), ('cat', 'two', 'Staff'))`);
  const catalog = new ModelCatalog(db);
  return {
    db,
    catalog,
    async caller(username, slug) {
      const [user] = await db.query<{ id: number; username: string; email: string }>(
        "SELECT id, username, email FROM lockstep.app_user WHERE username = $1",
        [username],
      );
      const [organization] = await db.query<Membership["organization"]>(
        "SELECT id, name, slug FROM lockstep.organization WHERE slug = $1",
        [slug],
      );
      const groups = await db.query<{ id: number; name: string }>(
        `SELECT g.id, g.name FROM lockstep.user_organization m
         JOIN lockstep.auth_group g ON g.id = m.group_id
         WHERE m.user_id = $1 AND m.organization_id = $2 AND m.is_active`,
        [user.id, organization.id],
      );
      return {
        principal: {
          userId: user.id,
          username: user.username,
          email: user.email,
          isStaff: false,
          isSuperuser: false,
        },
        membership: { organization, groups },
      };
    },
    grant: (...given) => grant(db, ...given),
  };
}

export function pullAs(
  world: SyncWorld,
  caller: Caller,
  models: Record<string, string | null>,
  options: Partial<PullRequest> & { device?: string } = {},
): Promise<PullPage> {
  const { device = "", ...request } = options;
  return pullPage({ ...world, ...caller, device, positionRetentionDays: 30 }, {
    models: new Map(Object.entries(models)),
    batchSize: 100,
    fields: new Map(),
    checksum: false,
    numbersAsStrings: false,
    separator: ",",
    ...request,
  });
}

export async function pushAs(
  world: SyncWorld,
  caller: Caller,
  records: unknown[] | string,
  options: Partial<PushOptions> = {},
  settings: Record<string, string> = {},
): Promise<PushOutcome> {
  const text = typeof records === "string" ? records : JSON.stringify(records);
  return await push(
    {
      ...world,
      catalog: await world.catalog.current(),
      ...caller,
      device: "",
      requestId: "test",
      settings,
      quarantineLimit: 1000,
    },
    new JsonScanner(text, 32).objects(),
    { atomic: false, returns: "auto", ...options },
    (_tx, outcome) => Promise.resolve(outcome),
  );
}

const decoder = new TextDecoder();

/** The records of one model of a page, parsed. */
// deno-lint-ignore no-explicit-any
export function recordsOf(page: PullPage, model: string): any[] {
  const part = page.models.find(({ name }) => name === model)!;
  return part.records.flatMap((bytes) => JSON.parse(`[${decoder.decode(bytes)}]`));
}

/** The removed keys of one model of a page, parsed. */
export function removedOf(page: PullPage, model: string): unknown[] {
  const part = page.models.find(({ name }) => name === model)!;
  return part.removed.map((bytes) => JSON.parse(decoder.decode(bytes)));
}
