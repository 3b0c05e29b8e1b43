import { expect } from "expect";
import { createSession } from "../lib/access/mod.ts";
import {
  type AdminWorld,
  databaseKinds,
  ids,
  openAdminWorld,
  secret,
  valueOf,
} from "./admin_api_world.ts";
import { appKinds } from "./support/app.ts";

/**
 * `everybody`: also without signing in. `guest`: who is not signed in; others are led on. `staff`: staff alone. `any`: also
 * every administrator, of what is theirs. `one`: also the administrators of organization one, because
 * what is named is theirs; for others it is not there.
 */
type Audience = "everybody" | "guest" | "staff" | "any" | "one";

const people = {
  "anonymous": undefined,
  "reader of two": `rob.${secret}`,
  "member": "mia",
  "reader": "rob",
  "administrator": "ada",
  "administrator of two": `ada.${secret}`,
  "staff": "sam",
  "superuser": "root",
};
type Visitor = keyof typeof people;

type Entry = [Audience, path: string | ((world: AdminWorld) => Promise<string>), ok?: number];

/** By address: who sees the page, an example of it, and the status where that is not 200. */
const pages: Record<string, Entry> = {
  "/": ["everybody", "/"],
  "/login": ["guest", "/login"],
  "/logout": ["everybody", "/logout", 303],
  // Two processes have a token for it, which nobody here sends.
  "/metrics": ["everybody", "/metrics", appKinds.includes("pglite") ? 404 : 401],

  "/api/docs": ["everybody", "/api/docs"],
  "/api/openapi.json": ["everybody", "/api/openapi.json"],
  // sb-sync's addresses lead to the pages.
  "/api/sync/config": ["everybody", "/api/sync/config/", 302],
  "/api/sync/config/audit-trails": ["everybody", "/api/sync/config/audit-trails/", 302],
  "/api/sync/config/metrics": ["everybody", "/api/sync/config/metrics/", 302],
  "/api/sync/config/permissions": ["everybody", "/api/sync/config/permissions/", 302],
  "/api/sync/config/logs": ["everybody", "/api/sync/config/logs/", 302],
  "/api/sync/config/model-discovery": ["everybody", "/api/sync/config/model-discovery/", 302],

  "/admin": ["any", "/admin"],
  "/admin/live": ["any", "/admin/live"],
  "/admin/search": ["any", "/admin/search?q=note"],
  "/admin/permissions": ["any", "/admin/permissions"],
  "/admin/logs": ["any", "/admin/logs"],
  "/admin/logs/export": ["any", "/admin/logs/export"],
  "/admin/metrics": ["any", "/admin/metrics"],
  "/admin/devices": ["any", "/admin/devices"],
  "/admin/devices/{id}": ["one", "/admin/devices/1"],
  "/admin/audit": ["any", "/admin/audit"],
  "/admin/audit/export": ["any", "/admin/audit/export"],
  "/admin/audit/verify": ["staff", "/admin/audit/verify"],
  "/admin/audit/{id}": ["one", async (world) => `/admin/audit/${await ownEvent(world)}`],
  "/admin/explain": ["any", "/admin/explain"],
  "/admin/filters": ["any", "/admin/filters"],
  "/admin/filters/export": ["any", "/admin/filters/export"],
  "/admin/filters/preview": ["any", "/admin/filters/preview"],
  "/admin/filters/{target}": ["one", "/admin/filters/permission-1"],
  "/admin/groups": ["any", "/admin/groups"],
  "/admin/groups/export": ["any", "/admin/groups/export"],
  "/admin/groups/new": ["staff", "/admin/groups/new"],
  "/admin/groups/{id}": ["any", "/admin/groups/2"],
  "/admin/jobs": ["any", "/admin/jobs"],
  "/admin/jobs/report": ["any", "/admin/jobs/report"],
  "/admin/jobs/{name}": ["staff", "/admin/jobs/purge_audit"],
  "/admin/models": ["any", "/admin/models"],
  "/admin/models/settings": ["staff", "/admin/models/settings"],
  "/admin/models/{name}": ["any", "/admin/models/app.Note"],
  "/admin/permissions/copy": ["any", "/admin/permissions/copy"],
  "/admin/organizations": ["any", "/admin/organizations"],
  "/admin/organizations/choices": ["any", "/admin/organizations/choices"],
  "/admin/organizations/export": ["any", "/admin/organizations/export"],
  "/admin/organizations/new": ["staff", "/admin/organizations/new"],
  "/admin/organizations/{id}": ["one", "/admin/organizations/1"],
  "/admin/records": ["any", "/admin/records"],
  "/admin/records/{app}/{model}": ["any", "/admin/records/app/Note"],
  "/admin/records/{app}/{model}/add": ["any", "/admin/records/app/Note/add"],
  "/admin/records/{app}/{model}/export": ["any", "/admin/records/app/Note/export"],
  "/admin/records/{app}/{model}/options": ["any", "/admin/records/app/Note/options", 404],
  "/admin/records/{app}/{model}/{key}/change": ["one", "/admin/records/app/Note/1/change"],
  "/admin/records/{app}/{model}/{key}/delete": ["one", "/admin/records/app/Note/1/delete"],
  "/admin/records/{app}/{model}/{key}/history": ["one", "/admin/records/app/Note/1/history"],
  "/admin/collaboration/{app}/{model}/{id}": ["one", "/admin/collaboration/app/Note/1/", 400],
  "/admin/collaboration/chat/{path}": [
    "one",
    "/admin/collaboration/chat/admin_records_app_Note_1_change/?page=/admin/records/app/Note/1/change",
    400,
  ],
  "/admin/settings": ["staff", "/admin/settings"],
  "/admin/settings/export": ["staff", "/admin/settings/export"],
  "/admin/settings/history": ["staff", "/admin/settings/history"],
  "/admin/settings/import": ["staff", "/admin/settings/import"],
  "/admin/settings/{section}": ["staff", "/admin/settings/SYNC"],
  "/admin/users": ["any", "/admin/users"],
  "/admin/users/export": ["any", "/admin/users/export"],
  "/admin/users/new": ["any", "/admin/users/new"],
  "/admin/users/{id}": ["one", `/admin/users/${ids.mia}`],
  "/admin/quarantine": ["any", "/admin/quarantine"],
  "/admin/quarantine/{id}": [
    "one",
    async ({ db }) =>
      `/admin/quarantine/${await valueOf(
        db,
        `INSERT INTO lockstep.quarantine
          (organization_id, user_id, model_name, payload, code, message)
        VALUES ($1, $2, 'app.Note', '{"_model": "app.Note", "id": 1}', 'invalid_value', 'Refused.')
        RETURNING id`,
        [ids.one, ids.rob],
      )}`,
  ],
};

/** An event of organization one. */
async function ownEvent({ db }: AdminWorld): Promise<number> {
  await db.query("UPDATE lockstep.model_permission SET can_push = NOT can_push WHERE id = 1");
  return await valueOf(
    db,
    "SELECT max(id) FROM lockstep.audit_event WHERE organization_id = $1",
    [ids.one],
  );
}

const routes = await pageRoutes();

async function pageRoutes(
  folder = "routes",
): Promise<{ address: string; gets: boolean; posts: boolean }[]> {
  const root = new URL(`../${folder}/`, import.meta.url);
  const found = [];
  for await (const { name, isDirectory } of Deno.readDir(root)) {
    // The sync and the admin API have tables of their own.
    if (/^\(?_/.test(name) || `${folder}/${name}` === "routes/api/admin") continue;
    if (folder === "routes/api/sync" && name !== "config") continue;
    if (isDirectory) {
      found.push(...await pageRoutes(`${folder}/${name}`));
      continue;
    }
    const address = `/${folder}/${name}`.slice("/routes".length).replace(/\.tsx?$/, "")
      .replace(/\/index$/, "").replaceAll(/\[(\w+)\]/g, "{$1}");
    const module = await import(new URL(encodeURIComponent(name), root).href);
    const methods = Object.keys(module.handler ?? {});
    const gets = methods.includes("GET") || "default" in module;
    found.push({ address: address || "/", gets, posts: methods.includes("POST") });
  }
  return found.sort((a, b) => a.address < b.address ? -1 : 1);
}

Deno.test("the table of pages has an entry for every page, and no other", () => {
  expect(Object.keys(pages).sort()).toEqual(routes.map(({ address }) => address).sort());
});

/** The status that each visitor gets, where `ok` is that of who may see the page. */
function expected(audience: Audience, ok: number): Record<Visitor, number> {
  if (audience === "guest") {
    return { ...expected("everybody", 303), anonymous: ok };
  }
  const other = audience === "everybody" ? ok : 403;
  const administrator = audience === "staff" ? 403 : ok;
  return {
    "anonymous": audience === "everybody" ? ok : 303,
    "reader of two": other,
    "member": other,
    "reader": other,
    "administrator": administrator,
    "administrator of two": audience === "one" ? 404 : administrator,
    "staff": ok,
    "superuser": ok,
  };
}

for (const kind of databaseKinds) {
  Deno.test(`every page answers every kind of visitor as it may [${kind}]`, async (t) => {
    await using world = await openAdminWorld(kind);
    const cookies = await signIn(world);
    for (const { address, gets, posts } of routes) {
      await t.step(address, async () => {
        const [audience, example, ok = 200] = pages[address];
        const path = typeof example === "string" ? example : await example(world);
        const wanted = expected(audience, ok);
        const got: Record<string, number> = {};
        for (const name of gets ? Object.keys(wanted) as Visitor[] : []) {
          const headers = cookies.get(name)!;
          const answer = await world.app.fetch(path, { headers });
          got[name] = answer.status;
          if (answer.headers.get("Content-Type") === "text/event-stream") {
            await answer.body!.cancel();
            continue;
          }
          const text = await answer.text();
          if (["administrator", "member", "reader"].includes(name)) {
            expect(text).not.toContain(secret);
          }
          if (name === "anonymous" && answer.status === 303) {
            expect(answer.headers.get("Location")).toBe(`/login?next=${encodeURIComponent(path)}`);
          }
        }
        if (gets) expect(got).toEqual(wanted);
        if (posts) await refusesForms(world, path, wanted, cookies);
      });
    }
  });
}

/** Nobody's form is taken from another site, and of those who may not see the page none at all. */
async function refusesForms(
  { app }: AdminWorld,
  path: string,
  wanted: Record<Visitor, number>,
  cookies: Map<Visitor, Record<string, string>>,
): Promise<void> {
  const post = async (name: Visitor, site: string) => {
    const answer = await app.fetch(path, {
      method: "POST",
      headers: { ...cookies.get(name)!, "Sec-Fetch-Site": site },
      body: new URLSearchParams({ any: "thing" }),
    });
    await answer.body?.cancel();
    return answer.status;
  };
  for (const name of Object.keys(wanted) as Visitor[]) {
    expect([name, await post(name, "cross-site")]).toEqual([name, 403]);
    // Pages that are for everybody judge a form by what is in it.
    if (wanted[name] < 300 || wanted["reader of two"] < 400) continue;
    expect([name, await post(name, "same-origin")]).toEqual([name, wanted[name]]);
  }
}

async function signIn({ db, app, principal }: AdminWorld) {
  const { SECURITY } = await app.running.services.settings.current();
  const client = { address: "127.0.0.1", userAgent: "test" };
  const cookies = new Map<Visitor, Record<string, string>>();
  for (const [name, username] of Object.entries(people) as [Visitor, string | undefined][]) {
    if (username === undefined) {
      cookies.set(name, {});
      continue;
    }
    const { token } = await createSession(db, await principal(username), client, SECURITY);
    cookies.set(name, { Cookie: `lockstep_session=${token}` });
  }
  return cookies;
}
