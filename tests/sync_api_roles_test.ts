import { expect } from "expect";
import { apiRoutes } from "./admin_api_routes.ts";
import {
  type AdminWorld,
  type CallerName,
  databaseKinds,
  ids,
  openAdminWorld,
  secret,
  valueOf,
} from "./admin_api_world.ts";

/** What the callers that can be told apart by it get; a caller without an entry gets that of `else`. */
type Statuses = Partial<Record<CallerName, number>> & { else: number };

interface SyncRequest {
  path: string;
  body?: unknown;
}

/** A session's cookie is nothing to the sync API, so that no page elsewhere can use it. */
const unknown: CallerName[] = [
  "anonymous",
  "superuser's session",
  "superuser's session, foreign origin",
  "expired token",
  "revoked token",
];
/** Not of organization one, which every request is for. */
const strangers: CallerName[] = ["reader of two", "administrator of two"];

const everybody: Statuses = { else: 200 };
const known: Statuses = { ...fill(unknown, 401), else: 200 };
const members: Statuses = { ...fill(unknown, 401), ...fill(strangers, 403), else: 200 };

/** What is of the organization, by who administers it; readers and members have none of their own. */
const administered = (ok: number): Statuses => ({
  ...fill(unknown, 401),
  ...fill(strangers, 403),
  ...fill(["member", "reader"], 404),
  else: ok,
});

function fill(names: CallerName[], status: number): Partial<Record<CallerName, number>> {
  return Object.fromEntries(names.map((name) => [name, status]));
}

const codes: Record<number, RegExp> = {
  401: /^(unauthorized|token_expired|token_revoked|invalid_credentials)$/,
  403: /^permission_denied$/,
  404: /^not_found$/,
  422: /^permission_denied$/,
};

const note = { _model: "app.Note", department: "SALES", body: "pushed" };

/** By method and path: who gets which status, and the request. */
const requests: Record<
  string,
  [Statuses, (world: AdminWorld, caller: CallerName) => SyncRequest | Promise<SyncRequest>]
> = {
  "GET /api/sync/health": [everybody, () => at("health/")],
  "GET /api/sync/health/live": [everybody, () => at("health/live/")],
  "GET /api/sync/health/ready": [everybody, () => at("health/ready/")],

  // These prove themselves by what they carry, whoever sends it.
  "POST /api/sync/auth/token": [
    { else: 401 },
    (_world, caller) => at("auth/token/", { username: caller, password: "wrong" }),
  ],
  "POST /api/sync/auth/refresh": [
    { else: 401 },
    () => at("auth/refresh/", { refresh_token: "wrong" }),
  ],
  "POST /api/sync/auth/revoke": [
    { else: 204 },
    () => at("auth/revoke/", { refresh_token: "wrong" }),
  ],

  "GET /api/sync/me": [known, () => at("me/")],
  "GET /api/sync/performance": [known, () => at("performance/")],
  "GET /api/sync/events": [members, () => at("events/")],
  "POST /api/sync/pull": [
    { ...members, else: 403, reader: 200, superuser: 200 },
    () => at("pull/", { models: { "app.Note": null } }),
  ],
  // A push is refused record by record: 422 says that none was written.
  "POST /api/sync/push": [
    { ...members, else: 422, superuser: 200 },
    () => at("push/", { data: [note] }),
  ],
  "POST /api/sync/bulk": [{ ...members, else: 202 }, () => at("bulk/", { data: [note] })],
  "GET /api/sync/bulk/{id}": [
    { ...administered(200), ...fill(strangers, 404) },
    async (world) => at(`bulk/${await newBulkPush(world)}/`),
  ],
  "DELETE /api/sync/bulk/{id}": [
    { ...administered(200), ...fill(strangers, 404) },
    async (world) => at(`bulk/${await newBulkPush(world)}/`),
  ],

  "GET /api/sync/quarantine": [members, () => at("quarantine/")],
  "GET /api/sync/quarantine/{id}": [
    administered(200),
    async (world) => at(`quarantine/${await newQuarantined(world)}/`),
  ],
  "POST /api/sync/quarantine/{id}/discard": [
    administered(200),
    async (world) => at(`quarantine/${await newQuarantined(world)}/discard/`, {}),
  ],
  // To replay is to push: an administrator needs the right to that too.
  "POST /api/sync/quarantine/{id}/replay": [
    { ...administered(422), superuser: 200 },
    async (world) => at(`quarantine/${await newQuarantined(world)}/replay/`, {}),
  ],
};

function at(path: string, body?: unknown): SyncRequest {
  return { path: `/api/sync/${path}`, body };
}

/** A record of the superuser that was refused. */
async function newQuarantined({ db }: AdminWorld): Promise<number> {
  return await valueOf(
    db,
    `INSERT INTO lockstep.quarantine (organization_id, user_id, model_name, payload, code, message)
    VALUES ($1, $2, 'app.Note', $3, 'invalid_value', 'Refused.') RETURNING id`,
    [ids.one, ids.root, JSON.stringify(note)],
  );
}

/** No server's worker takes it up: it waits for its second attempt. */
async function newBulkPush({ db }: AdminWorld): Promise<string> {
  return await valueOf<string>(
    db,
    `INSERT INTO lockstep.job (kind, user_id, organization_id, payload, attempts, heartbeat_at)
    VALUES ('bulk_push', $1, $2, '{}', 1, now() + interval '1 hour') RETURNING id`,
    [ids.root, ids.one],
  );
}

const routes = (await apiRoutes("routes/api/sync")).flatMap(({ path, methods }) =>
  methods.map((method) => ({ method, name: `${method} ${path}` }))
);

Deno.test("the table of sync requests has an entry for every sync route, and no other", () => {
  expect(Object.keys(requests).sort()).toEqual(routes.map(({ name }) => name).sort());
});

for (const kind of databaseKinds) {
  Deno.test(`every sync route answers every kind of caller as it may [${kind}]`, async (t) => {
    await using world = await openAdminWorld(kind);
    for (const { name, method } of routes) {
      const [statuses, request] = requests[name];
      await t.step(name, async () => {
        const callers = Object.keys(world.callers) as CallerName[];
        const wanted = callers.map((caller) => [caller, statuses[caller] ?? statuses.else]);
        const got = [];
        for (const caller of callers) {
          const { path, body } = await request(world, caller);
          const answer = await world.send(caller, method, path, body, {
            "If-Match": undefined,
            "Content-Type": body === undefined ? undefined : "application/json",
            "X-Organization": "one",
          });
          got.push([caller, answer.status]);
          if (answer.headers.get("Content-Type") === "text/event-stream") {
            await answer.body!.cancel();
            continue;
          }
          const text = await answer.text();
          if (["anonymous", "administrator", "member", "reader"].includes(caller)) {
            expect(text).not.toContain(secret);
          }
          if (answer.status >= 400) {
            const { code, errors } = JSON.parse(text);
            expect(answer.status === 422 ? errors[0].code : code).toMatch(codes[answer.status]);
          }
        }
        expect(got).toEqual(wanted);
      });
    }
  });
}
