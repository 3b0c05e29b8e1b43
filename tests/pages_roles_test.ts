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

/**
 * `everybody`: also without signing in. `user`: whoever is signed in. `staff`: staff alone. `any`: also
 * every administrator, of what is theirs. `one`: also the administrators of organization one, because
 * what is named is theirs; for others it is not there.
 */
type Audience = "everybody" | "user" | "staff" | "any" | "one";

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
  "/login": ["everybody", "/login"],
  "/logout": ["everybody", "/logout"],
  "/metrics": ["everybody", "/metrics", 404],

  "/admin": ["any", "/admin"],
  "/admin/live": ["any", "/admin/live"],
  "/admin/search": ["any", "/admin/search?q=note"],
  "/admin/permissions": ["any", "/admin/permissions?organization=one"],
  "/admin/logs": ["any", "/admin/logs"],
  "/admin/logs/export": ["any", "/admin/logs/export"],
  "/admin/metrics": ["any", "/admin/metrics"],
  "/admin/devices": ["any", "/admin/devices"],
  "/admin/devices/{id}": ["one", "/admin/devices/1"],
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

const routes = await pageRoutes();

async function pageRoutes(folder = "routes"): Promise<{ address: string; posts: boolean }[]> {
  const root = new URL(`../${folder}/`, import.meta.url);
  const found = [];
  for await (const { name, isDirectory } of Deno.readDir(root)) {
    if (/^\(?_/.test(name) || folder === "routes" && name === "api") continue;
    if (isDirectory) {
      found.push(...await pageRoutes(`${folder}/${name}`));
      continue;
    }
    const address = `/${folder}/${name}`.slice("/routes".length).replace(/\.tsx?$/, "")
      .replace(/\/index$/, "").replaceAll(/\[(\w+)\]/g, "{$1}");
    const { handler } = await import(new URL(encodeURIComponent(name), root).href);
    found.push({ address: address || "/", posts: handler !== undefined && "POST" in handler });
  }
  return found.sort((a, b) => a.address < b.address ? -1 : 1);
}

Deno.test("the table of pages has an entry for every page, and no other", () => {
  expect(Object.keys(pages).sort()).toEqual(routes.map(({ address }) => address).sort());
});

/** The status that each visitor gets, where `ok` is that of who may see the page. */
function expected(audience: Audience, ok: number): Record<Visitor, number> {
  const other = audience === "everybody" || audience === "user" ? ok : 403;
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
    for (const { address, posts } of routes) {
      await t.step(address, async () => {
        const [audience, example, ok = 200] = pages[address];
        const path = typeof example === "string" ? example : await example(world);
        const wanted = expected(audience, ok);
        const got: Record<string, number> = {};
        for (const name of Object.keys(wanted) as Visitor[]) {
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
        expect(got).toEqual(wanted);
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
    if (wanted[name] < 300) continue;
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
