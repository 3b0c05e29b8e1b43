/** For every operation of the admin API: who may, and a request that succeeds when they do. */
import { type AdminWorld, ids, secret, valueOf } from "./admin_api_world.ts";

export interface SampleRequest {
  path: string;
  body?: unknown;
}

/**
 * `staff`: staff alone. `any`: also every administrator, of what is theirs. `one`: also the
 * administrators of organization one, because what is named is theirs; for others it is not there.
 */
export type Audience = "staff" | "any" | "one";

/** By method and path. Each request is made anew, so that it succeeds every time. */
export const requests: Record<
  string,
  [Audience, (world: AdminWorld) => SampleRequest | Promise<SampleRequest>]
> = {
  "GET /api/admin/me": ["any", () => at("me")],

  "GET /api/admin/organizations": ["any", () => at("organizations")],
  "POST /api/admin/organizations": ["staff", () => at("organizations", { name: unique() })],
  "GET /api/admin/organizations/{id}": ["one", () => at("organizations/1")],
  "PATCH /api/admin/organizations/{id}": [
    "one",
    () => at("organizations/1", { description: unique() }),
  ],
  "DELETE /api/admin/organizations/{id}": [
    "staff",
    async ({ db }) => at(`organizations/${await newOrganization(db)}`),
  ],

  "GET /api/admin/users": ["any", () => at("users")],
  "POST /api/admin/users": [
    "one",
    () =>
      at("users", {
        username: unique(),
        password: null,
        memberships: [{ organization_id: ids.one, group_id: ids.readers }],
      }),
  ],
  "GET /api/admin/users/{id}": ["one", () => at(`users/${ids.mia}`)],
  "PATCH /api/admin/users/{id}": ["one", () => at(`users/${ids.mia}`, { first_name: unique() })],
  "DELETE /api/admin/users/{id}": ["staff", async ({ db }) => at(`users/${await newUser(db)}`)],
  "POST /api/admin/users/{id}/password": [
    "one",
    async ({ db }) => at(`users/${await newUser(db)}/password`, { password: unique() }),
  ],
  "POST /api/admin/users/{id}/revoke": [
    "one",
    async ({ db }) => at(`users/${await newUser(db)}/revoke`),
  ],

  "GET /api/admin/groups": ["any", () => at("groups")],
  "POST /api/admin/groups": ["staff", () => at("groups", { name: unique() })],
  "GET /api/admin/groups/{id}": ["any", () => at("groups/2")],
  "PATCH /api/admin/groups/{id}": ["staff", () => at("groups/2", { description: unique() })],
  "DELETE /api/admin/groups/{id}": ["staff", async ({ db }) => at(`groups/${await newGroup(db)}`)],
  "POST /api/admin/groups/defaults": ["staff", () => at("groups/defaults")],

  "GET /api/admin/memberships": ["any", () => at("memberships")],
  "POST /api/admin/memberships": [
    "one",
    async ({ db }) =>
      at("memberships", {
        user_id: await newUser(db),
        organization_id: ids.one,
        group_id: ids.members,
      }),
  ],
  "GET /api/admin/memberships/{id}": ["one", async ({ db }) => at(await newMembership(db))],
  "PATCH /api/admin/memberships/{id}": [
    "one",
    async ({ db }) => at(await newMembership(db), { is_active: false }),
  ],
  "DELETE /api/admin/memberships/{id}": ["one", async ({ db }) => at(await newMembership(db))],

  "GET /api/admin/permissions": ["any", () => at("permissions")],
  "PUT /api/admin/permissions": [
    "one",
    () =>
      at("permissions", { items: [{ ...place, model: "app.Country", push: false, pull: true }] }),
  ],
  "GET /api/admin/permissions/matrix": [
    "one",
    () => at(`permissions/matrix?organization_id=${ids.one}`),
  ],
  "POST /api/admin/permissions/template": [
    "one",
    () =>
      at("permissions/template", {
        organization_id: ids.one,
        template: "read_only",
        group_ids: [ids.members],
      }),
  ],
  "POST /api/admin/permissions/copy": [
    "one",
    () =>
      at("permissions/copy", {
        from: { organization_id: ids.one, group_id: ids.readers },
        to: { organization_id: ids.one, group_id: ids.administrators },
      }),
  ],
  "GET /api/admin/permissions/{id}": ["one", async ({ db }) => at(await newPermission(db))],
  "PATCH /api/admin/permissions/{id}": [
    "one",
    async ({ db }) => at(await newPermission(db), { push: true }),
  ],
  "DELETE /api/admin/permissions/{id}": ["one", async ({ db }) => at(await newPermission(db))],

  "GET /api/admin/filters": ["any", () => at("filters")],
  "POST /api/admin/filters": [
    "one",
    () => at("filters", { ...place, model: "app.Note", name: unique(), condition: { amount: 1 } }),
  ],
  "GET /api/admin/filters/{id}": ["one", async ({ db }) => at(await newFilter(db))],
  "PATCH /api/admin/filters/{id}": [
    "one",
    async ({ db }) => at(await newFilter(db), { is_active: false }),
  ],
  "DELETE /api/admin/filters/{id}": ["one", async ({ db }) => at(await newFilter(db))],

  "GET /api/admin/settings": ["staff", () => at("settings")],
  "GET /api/admin/settings/{section}": ["staff", () => at("settings/SYNC")],
  "PATCH /api/admin/settings/{section}": [
    "staff",
    () => at("settings/SYNC", { DEFAULT_BATCH_SIZE: 200 + counter++ }),
  ],
  "DELETE /api/admin/settings/{section}": ["staff", () => at("settings/LOGS")],
  "DELETE /api/admin/settings/{section}/{key}": ["staff", () => at("settings/SYNC/MAX_DEPTH")],
  "GET /api/admin/settings/export": ["staff", () => at("settings/export?all=true")],
  "POST /api/admin/settings/import": [
    "staff",
    () => at("settings/import", { settings: { LOGS: { RETENTION_DAYS: 1 + counter++ } } }),
  ],
  "POST /api/admin/settings/validate": [
    "staff",
    () => at("settings/validate", { settings: { LOGS: { RETENTION_DAYS: -1 } } }),
  ],
  "POST /api/admin/settings/reset": ["staff", () => at("settings/reset")],
  "GET /api/admin/settings/summary": ["staff", () => at("settings/summary")],
  "GET /api/admin/settings/history": ["staff", () => at("settings/history")],

  "GET /api/admin/discovery": ["staff", () => at("discovery")],
  "POST /api/admin/discovery/preview": [
    "staff",
    () =>
      at("discovery/preview", { settings: { MODEL_DISCOVERY: { EXCLUDE_MODELS: ["app.Note"] } } }),
  ],
  "GET /api/admin/models": ["any", () => at("models")],
  "GET /api/admin/models/{name}": ["any", () => at("models/app.Note")],
  "PATCH /api/admin/models/{name}": [
    "staff",
    () => at("models/app.Note", { conflict_policy: counter++ % 2 ? "reject" : "merge" }),
  ],

  "GET /api/admin/tokens": ["any", () => at("tokens")],
  "DELETE /api/admin/tokens/{id}": ["one", async ({ db }) => at(`tokens/${await newToken(db)}`)],
  "GET /api/admin/sessions": ["any", () => at("sessions")],
  "DELETE /api/admin/sessions/{id}": [
    "one",
    async ({ db }) => at(`sessions/${await newSession(db)}`),
  ],

  "GET /api/admin/devices": ["any", () => at("devices")],
  "GET /api/admin/devices/{id}": ["one", () => at("devices/1")],
  "POST /api/admin/devices/{id}/revoke": ["one", () => at("devices/1/revoke")],
  "POST /api/admin/devices/{id}/allow": ["one", () => at("devices/1/allow")],
  "POST /api/admin/devices/{id}/resync": ["one", () => at("devices/1/resync")],

  "GET /api/admin/audit": ["any", () => at("audit")],
  "GET /api/admin/audit/{id}": ["one", async ({ db }) => at(`audit/${await newEvent(db)}`)],
  "GET /api/admin/audit/export": ["any", () => at("audit/export?format=csv")],
  "POST /api/admin/audit/verify": ["staff", () => at("audit/verify", {})],
  "POST /api/admin/audit/{id}/revert": [
    "one",
    async ({ db }) => at(`audit/${await newEvent(db)}/revert`),
  ],

  "GET /api/admin/records/{model}/{key}": ["one", () => at("records/app.Note/1")],
  "PATCH /api/admin/records/{model}/{key}": [
    "one",
    () => at("records/app.Note/1", { values: { department: unique() } }),
  ],

  "GET /api/admin/jobs": ["staff", () => at("jobs")],
  "GET /api/admin/jobs/{name}": ["staff", () => at("jobs/purge_chat")],
  "POST /api/admin/jobs/{name}/run": ["staff", () => at("jobs/purge_chat/run")],
  "GET /api/admin/jobs/report": ["any", () => at("jobs/report")],
  "GET /api/admin/jobs/bulk": ["any", () => at("jobs/bulk")],
  "POST /api/admin/jobs/bulk/{id}/cancel": [
    "one",
    async ({ db }) => at(`jobs/bulk/${await newBulkPush(db, "queued")}/cancel`),
  ],
  "POST /api/admin/jobs/bulk/{id}/retry": [
    "one",
    async ({ db }) => at(`jobs/bulk/${await newBulkPush(db, "failed")}/retry`),
  ],

  "GET /api/admin/logs": ["any", () => at("logs")],
  "GET /api/admin/metrics": ["any", () => at("metrics")],
  "GET /api/admin/performance": ["staff", () => at("performance?days=30")],
  "GET /api/admin/explain": [
    "one",
    () => at("explain?user=rob&organization=one&model=app.Note&key=1"),
  ],
  "GET /api/admin/view-as": ["one", () => at("view-as?user=rob&organization=one&model=app.Note")],
};

type Db = AdminWorld["db"];

const place = { organization_id: ids.one, group_id: ids.members };

function at(path: string, body?: unknown): SampleRequest {
  return { path: `/api/admin/${path}`, body };
}

let counter = 0;

/** A text that was not used before, good as a name and as a password. */
function unique(): string {
  return `sample-${crypto.randomUUID()}`;
}

function newOrganization(db: Db): Promise<number> {
  return valueOf(
    db,
    "INSERT INTO lockstep.organization (name, slug) VALUES ($1, $1) RETURNING id",
    [`${secret}-${counter++}`],
  );
}

function newGroup(db: Db): Promise<number> {
  return valueOf(db, "INSERT INTO lockstep.auth_group (name) VALUES ($1) RETURNING id", [unique()]);
}

/** A member of organization one. */
async function newUser(db: Db): Promise<number> {
  const id = await valueOf(
    db,
    "INSERT INTO lockstep.app_user (username, password) VALUES ($1, '!') RETURNING id",
    [unique()],
  );
  await db.query(
    `INSERT INTO lockstep.user_organization (user_id, organization_id, group_id) VALUES ($1, 1, 3)`,
    [id],
  );
  return id;
}

async function newMembership(db: Db): Promise<string> {
  const id = await valueOf(
    db,
    "SELECT id FROM lockstep.user_organization WHERE user_id = $1",
    [await newUser(db)],
  );
  return `memberships/${id}`;
}

async function newPermission(db: Db): Promise<string> {
  const id = await valueOf(
    db,
    `INSERT INTO lockstep.model_permission (organization_id, group_id, model_name, can_pull)
    VALUES (1, $1, 'app.Note', true) RETURNING id`,
    [await newGroup(db)],
  );
  return `permissions/${id}`;
}

async function newFilter(db: Db): Promise<string> {
  const id = await valueOf(
    db,
    `INSERT INTO lockstep.data_filter
      (organization_id, group_id, model_name, filter_name, filter_condition)
    VALUES (1, 3, 'app.Note', $1, '{"amount": 1}') RETURNING id`,
    [unique()],
  );
  return `filters/${id}`;
}

function newToken(db: Db): Promise<string> {
  return valueOf<string>(
    db,
    `INSERT INTO lockstep.refresh_token (family, user_id, organization_id, token_hash, expires_at)
    VALUES (gen_random_uuid(), $1, 1, $2, now() + interval '1 day') RETURNING family`,
    [ids.mia, unique()],
  );
}

function newSession(db: Db): Promise<string> {
  return valueOf<string>(
    db,
    `INSERT INTO lockstep.session (user_id, token_hash, expires_at)
    VALUES ($1, $2, now() + interval '1 day') RETURNING id`,
    [ids.mia, unique()],
  );
}

/** No server's worker takes it up: it waits for its second attempt. */
function newBulkPush(db: Db, state: string): Promise<string> {
  return valueOf<string>(
    db,
    `INSERT INTO lockstep.job (kind, user_id, organization_id, state, payload, total, attempts,
      heartbeat_at)
    VALUES ('bulk_push', $1, 1, $2, '{"device": "", "clientVersion": "", "requestId": ""}', 5, 1,
      now() + interval '1 hour')
    RETURNING id`,
    [ids.mia, state],
  );
}

/** The event of a change that can be reverted. */
async function newEvent(db: Db): Promise<number> {
  const [, id] = (await newFilter(db)).split("/");
  await db.query("UPDATE lockstep.data_filter SET is_active = false WHERE id = $1", [id]);
  return await valueOf(
    db,
    `SELECT max(id) FROM lockstep.audit_event
    WHERE model = 'lockstep.DataFilter' AND action = 'update'`,
  );
}
