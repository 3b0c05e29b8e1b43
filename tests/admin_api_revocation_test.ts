import { expect } from "expect";
import {
  type AdminWorld,
  type CallerName,
  databaseKinds,
  openAdminWorld,
  valueOf,
} from "./admin_api_world.ts";

/** A new reader of organization one. */
async function newReader({ db, token }: AdminWorld): Promise<{ id: number; token: string }> {
  const name = `reader-${crypto.randomUUID()}`;
  const id = await valueOf(
    db,
    "INSERT INTO lockstep.app_user (username, password) VALUES ($1, '!') RETURNING id",
    [name],
  );
  await db.query(
    "INSERT INTO lockstep.user_organization (user_id, organization_id, group_id) VALUES ($1, 1, 3)",
    [id],
  );
  return { id, token: await token(name) };
}

/** Opens an event stream. `ended` resolves to all that it still says until it ends. */
async function openEvents(world: AdminWorld, token: string): Promise<{ ended: Promise<string> }> {
  const answer = await world.app.fetch("/api/sync/events/?models=app.Note", {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  const reader = answer.body!.getReader();
  // The first comment says that the stream is open.
  await reader.read();
  const read = async () => {
    let text = "";
    const decoder = new TextDecoder();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += decoder.decode(part.value);
    }
    return text;
  };
  return { ended: read() };
}

const send = (
  world: AdminWorld,
  method: string,
  path: string,
  body?: unknown,
  caller: CallerName = "administrator",
) => world.send(caller, method, `/api/admin/${path}`, body);

type Change = [
  name: string,
  change: (world: AdminWorld, userId: number) => Promise<Response>,
  status: number,
];

/** The last ones take the right from everybody. */
const changes: Change[] = [
  [
    "disabling the user",
    (world, id) => send(world, "PATCH", `users/${id}`, { is_active: false }),
    401,
  ],
  ["revoking all of the user", (world, id) => send(world, "POST", `users/${id}/revoke`), 401],
  [
    "setting a new password",
    (world, id) => send(world, "POST", `users/${id}/password`, { password: "another long one" }),
    401,
  ],
  [
    "revoking one login",
    async (world, id) => {
      const statement = "SELECT family FROM lockstep.refresh_token WHERE user_id = $1";
      return await send(world, "DELETE", `tokens/${await valueOf(world.db, statement, [id])}`);
    },
    401,
  ],
  [
    "ending the membership",
    async (world, id) => {
      const statement = "SELECT id FROM lockstep.user_organization WHERE user_id = $1";
      return await send(world, "DELETE", `memberships/${await valueOf(world.db, statement, [id])}`);
    },
    403,
  ],
  [
    "withdrawing the permission",
    async (world) => {
      const statement = "SELECT id FROM lockstep.model_permission WHERE organization_id = 1";
      const id = await valueOf(world.db, statement);
      return await send(world, "PATCH", `permissions/${id}`, { pull: false });
    },
    403,
  ],
  [
    "deactivating the organization",
    async (world) => {
      return await send(world, "PATCH", "organizations/1", { is_active: false }, "staff");
    },
    403,
  ],
];

for (const kind of databaseKinds) {
  Deno.test(`every revocation ends open event streams and refuses the next pull [${kind}]`, async (t) => {
    await using world = await openAdminWorld(kind);
    for (const [name, change, status] of changes) {
      await t.step(name, async () => {
        await world.db.query(
          "UPDATE lockstep.model_permission SET can_pull = true WHERE organization_id = 1",
        );
        const { id, token } = await newReader(world);
        const { ended } = await openEvents(world, token);
        const answer = await change(world, id);
        expect(answer.status).toBeLessThan(300);
        expect(await ended).toContain("event: revoked");
        const pull = await world.app.fetch("/api/sync/pull/", {
          method: "POST",
          headers: { Authorization: `Bearer ${token}` },
          body: JSON.stringify({ models: { "app.Note": null }, organization: "one" }),
        });
        expect(pull.status).toBe(status);
      });
    }
  });

  Deno.test(`the pull after a narrower filter removes the rows that left the scope [${kind}]`, async () => {
    await using world = await openAdminWorld(kind);
    const pull = async (position: string | null) => {
      const answer = await world.send("reader", "POST", "/api/sync/pull/", {
        models: { "app.Note": position },
      });
      return await answer.json();
    };
    const first = await pull(null);
    expect(first.data.map(({ id }: { id: number }) => id)).toEqual([2]);
    const id = await valueOf(
      world.db,
      "SELECT id FROM lockstep.data_filter WHERE organization_id = 1",
    );
    const saved = await send(world, "PATCH", `filters/${id}`, { condition: { amount__lt: 10 } });
    expect(saved.status).toBe(200);
    const next = await pull(first.metadata["app.Note"].cursor);
    expect(next.deleted["app.Note"]).toEqual([2]);
    expect(next.data.map(({ id }: { id: number }) => id)).toEqual([1]);
  });
}
