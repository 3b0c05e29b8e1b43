import { expect } from "expect";
import { adminOperations } from "../routes/api/(_operations)/admin.ts";
import { apiRoutes } from "./admin_api_routes.ts";
import { type Audience, requests } from "./admin_api_requests.ts";
import { type CallerName, databaseKinds, openAdminWorld, secret } from "./admin_api_world.ts";

const routes = (await apiRoutes("routes/api/admin")).flatMap(({ path, methods }) =>
  methods.map((method) => ({ path, method, name: `${method} ${path}` }))
);

/** Never those of organization one alone. */
const outsiders: CallerName[] = ["reader of two", "member", "reader"];
const unknown: CallerName[] = ["anonymous", "expired token", "revoked token"];
const high: CallerName[] = ["staff", "superuser", "superuser's session"];

/** The status that each caller gets, where `ok` is that of success. */
function expected(audience: Audience, method: string, ok: number): Record<CallerName, number> {
  const administrator = audience === "staff" ? 403 : ok;
  return {
    ...fill(unknown, 401),
    ...fill(outsiders, 403),
    "administrator": administrator,
    "administrator of two": audience === "one" ? 404 : administrator,
    ...fill(high, ok),
    "superuser's session, foreign origin": method === "GET" ? ok : 403,
  } as Record<CallerName, number>;
}

function fill(names: CallerName[], status: number): Partial<Record<CallerName, number>> {
  return Object.fromEntries(names.map((name) => [name, status]));
}

Deno.test("the table of admin requests has an entry for every admin route, and no other", () => {
  expect(Object.keys(requests).sort()).toEqual(routes.map(({ name }) => name).sort());
});

for (const kind of databaseKinds) {
  Deno.test(`every admin route answers every kind of caller as it may [${kind}]`, async (t) => {
    await using world = await openAdminWorld(kind);
    for (const { name, path, method } of routes) {
      const [audience, request] = requests[name];
      const operation = adminOperations[path][method as "GET"]!;
      const ok = operation.status ?? (operation.answer || operation.media ? 200 : 204);
      await t.step(name, async () => {
        const wanted = expected(audience, method, ok);
        const got: Record<string, number> = {};
        for (const caller of Object.keys(wanted) as CallerName[]) {
          const { path, body } = await request(world);
          const answer = await world.send(caller, method, path, body);
          const text = await answer.text();
          got[caller] = answer.status;
          if (answer.status !== wanted[caller]) got[`${caller}: ${text.slice(0, 500)}`] = -1;
          if (["administrator", "member", "reader"].includes(caller)) {
            expect(text).not.toContain(secret);
          }
          if (answer.status >= 400) {
            expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
          } else if (operation.answer) {
            expect(operation.answer.safeParse(JSON.parse(text)).error).toBeUndefined();
          }
        }
        expect(got).toEqual(wanted);
      });
    }
  });
}

Deno.test("every admin change by version asks for If-Match and refuses a stale one", async (t) => {
  await using world = await openAdminWorld("pglite");
  for (const { name, path, method } of routes) {
    const operation = adminOperations[path][method as "GET"]!;
    if (!operation.ifMatch) continue;
    await t.step(name, async () => {
      const statuses: [number, string][] = [];
      for (const version of [undefined, '"1"', 'W/"1"', "*"]) {
        const { path, body } = await requests[name][1](world);
        const answer = await world.send("staff", method, path, body, { "If-Match": version });
        const { code } = answer.status === 204 ? { code: "" } : await answer.json();
        statuses.push([answer.status, code]);
      }
      expect(statuses.slice(0, 3)).toEqual([
        [428, "precondition_required"],
        [412, "precondition_failed"],
        [412, "precondition_failed"],
      ]);
      expect(statuses[3][0]).toBeLessThan(300);
    });
  }
});

Deno.test("every admin route refuses query parameters and members that it does not know", async (t) => {
  await using world = await openAdminWorld("pglite");
  for (const { name, path, method } of routes) {
    const operation = adminOperations[path][method as "GET"]!;
    await t.step(name, async () => {
      const { path, body } = await requests[name][1](world);
      const url = `${path}${path.includes("?") ? "&" : "?"}nonsense=1`;
      const answer = await world.send("staff", method, url, body);
      expect([answer.status, (await answer.json()).code]).toEqual([400, "unknown_field"]);
      if (!operation.body || name.startsWith("PATCH /api/admin/settings")) return;
      const wrong = await world.send("staff", method, path, { ...body as object, nonsense: 1 });
      expect([wrong.status, (await wrong.json()).code]).toEqual([400, "unknown_field"]);
    });
  }
});
