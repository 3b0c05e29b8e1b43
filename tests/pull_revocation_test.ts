import { expect } from "expect";
import { type ApiWorld, eachApi } from "./api_support.ts";

const count = 40_000;

/** What ends the right to a stream that is being read. */
const ends: Record<string, (world: ApiWorld) => Promise<unknown>> = {
  "the tokens are revoked": ({ db }) =>
    db.query(`
      UPDATE lockstep.app_user SET token_generation = token_generation + 1
      WHERE username IN ('ann', 'root')`),
  "the user is disabled": ({ db }) =>
    db.query("UPDATE lockstep.app_user SET is_active = false WHERE username IN ('ann', 'root')"),
  "the device is revoked": ({ db }) =>
    db.query(`
      INSERT INTO lockstep.device (user_id, organization_id, name, revoked_at)
      SELECT u.id, o.id, 'till', now() FROM lockstep.app_user u, lockstep.organization o
      WHERE u.username = 'ann' AND o.slug = 'one'
      ON CONFLICT (user_id, organization_id, name) DO UPDATE SET revoked_at = now()`),
  "the rank is taken": ({ db }) =>
    db.query("UPDATE lockstep.app_user SET is_superuser = false, is_staff = false"),
};

for (const [what, end] of Object.entries(ends)) {
  eachApi(`a streamed pull ends when ${what}`, async (world) => {
    const user = what === "the rank is taken" ? "root" : "ann";
    await world.db.script(`
      UPDATE lockstep.app_user SET is_superuser = true WHERE username = 'root';
      INSERT INTO app.customer (id, organization_id, name, data)
      SELECT 10000 + i, 1, 'many', jsonb_build_object('text', repeat('x', 500)) FROM generate_series(1, ${count}) i`);
    const client = await world.as(user);
    const read = async (meanwhile: () => Promise<unknown>) => {
      const response = await world.app.fetch("/api/sync/pull/", {
        method: "POST",
        headers: {
          ...client.headers,
          "Content-Type": "application/json",
          Accept: "application/x-ndjson",
          "X-Device": "till",
          "X-Organization": "one",
        },
        body: JSON.stringify({ models: { "app.Customer": null } }),
      });
      expect(response.status).toBe(200);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await reader.read()).value!;
      await meanwhile();
      try {
        for (let next; !(next = await reader.read()).done;) text += next.value;
      } catch { /* The server broke it off. */ }
      return { rows: text.split('"_model"').length - 1, whole: text.includes('"complete":true') };
    };
    const all = await read(() => Promise.resolve());
    expect([all.rows >= count, all.whole]).toEqual([true, true]);
    const cut = await read(() => end(world));
    expect([cut.rows < all.rows, cut.whole]).toEqual([true, false]);
  });
}
