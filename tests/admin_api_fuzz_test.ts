import { expect } from "expect";
import { adminOperations } from "../routes/api/(_operations)/admin.ts";
import { requests } from "./admin_api_requests.ts";
import { openAdminWorld } from "./admin_api_world.ts";

/** What somebody might send instead of a good value. */
const hostileTexts = [
  "",
  "\0",
  "'; DROP TABLE lockstep.app_user; --",
  "\\",
  "-1",
  "99999999999999999999",
  "9007199254740991",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59Z",
  "\u{1F600}".repeat(600),
  "__proto__",
  "{}",
  "WyJpZCIsIjEiLCIxIl0",
];
const hostileValues: unknown[] = [
  ...hostileTexts,
  null,
  true,
  -1,
  1.5,
  2 ** 53 - 1,
  1e300,
  [],
  {},
  [[[["deep"]]]],
  { field: "id", operator: "exact", value: "\ud800" },
  JSON.parse('{"__proto__": {"is_staff": true}}'),
];

/** Nothing of the database may show in an answer. */
const leaks = /\b(?:SELECT|INSERT INTO|FROM lockstep|syntax error|SQLSTATE|at file:|pg_\w+)\b/;

async function check(name: string, sent: unknown, answer: Response) {
  const text = await answer.text();
  expect([name, sent, answer.status < 500, text]).toEqual([name, sent, true, text]);
  if (answer.status >= 400 && !name.includes("explain")) {
    expect([name, sent, leaks.test(text)]).toEqual([name, sent, false]);
  }
}

Deno.test("no hostile parameter or member makes an admin route fail or tell of the database", async (t) => {
  await using world = await openAdminWorld("pglite");
  for (const [name, [, request]] of Object.entries(requests)) {
    const [method, route] = name.split(" ");
    const operation = adminOperations[route][method as "GET"]!;
    await t.step(name, async () => {
      const { path, body } = await request(world);
      const [pathname, search = ""] = path.split("?");
      for (const text of hostileTexts) {
        if (operation.params) {
          const given = route.split("/").map((part, i) =>
            part.startsWith("{") ? encodeURIComponent(text) : pathname.split("/")[i]
          );
          await check(name, text, await world.send("staff", method, given.join("/"), body));
        }
        for (const parameter of Object.keys(shapeOf(operation.query))) {
          const query = new URLSearchParams(search);
          query.set(parameter, text);
          await check(
            `${name} ${parameter}`,
            text,
            await world.send("staff", method, `${pathname}?${query}`, body),
          );
        }
        const answer = await world.send("staff", method, path, body, {
          "If-Match": `"${text.replaceAll(/[^\x21-\x7e]|"/g, "")}"`,
        });
        await check(`${name} If-Match`, text, answer);
      }
      for (const member of Object.keys(shapeOf(operation.body))) {
        for (const value of hostileValues) {
          const { path, body } = await request(world);
          const sent = { ...body as object, [member]: value };
          await check(`${name} ${member}`, value, await world.send("staff", method, path, sent));
        }
      }
      if (!operation.body) return;
      for (const value of [null, [], "text", 5, JSON.parse("[".repeat(500) + "]".repeat(500))]) {
        await check(name, value, await world.send("staff", method, path, value));
      }
    });
  }
});

function shapeOf(schema: unknown): Record<string, unknown> {
  return (schema as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
}
