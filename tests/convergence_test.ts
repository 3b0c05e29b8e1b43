/**
 * The promise of the sync: whatever happens in between, a client that keeps pulling ends with exactly
 * the rows it may see, and whenever an answer says `complete` it has them at that moment, across
 * models. @module
 */
import fc from "fast-check";
import { filters, models, operation, schema } from "./convergence_operations.ts";
import { World } from "./convergence_world.ts";
import { openTestDatabase } from "./support/databases.ts";
import { syncWorld } from "./support/sync.ts";

const runs = Number(Deno.env.get("CONVERGENCE_RUNS") ?? 40);

for (const kind of ["pglite", "postgres"] as const) {
  Deno.test(`pull converges under any interleaving of changes [${kind}]`, async () => {
    await using database = await openTestDatabase(kind);
    const { db } = database;
    await db.script(schema);
    const world = await syncWorld(db);
    await db.script(`INSERT INTO lockstep.user_organization (user_id, organization_id, group_id)
      SELECT u.id, o.id, g.id FROM lockstep.app_user u, lockstep.organization o, lockstep.auth_group g
      WHERE (u.username, o.slug, g.name) IN (('ann', 'one', 'Others'), ('ben', 'one', 'Staff'))`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: filters.length - 1 }), { minLength: 4, maxLength: 4 }),
        fc.array(operation, { minLength: 20, maxLength: 70, size: "max" }),
        async (firstFilters, operations) => {
          await db.script(`DELETE FROM app.visit; DELETE FROM app.customer;
            DELETE FROM lockstep.model_permission;
            UPDATE lockstep.user_organization SET is_active = true`);
          const granted = ["one", "two"].flatMap((organization) =>
            Object.values(models).map((name) => ({ organization, name }))
          );
          for (const [i, { organization, name }] of granted.entries()) {
            const { json } = filters[firstFilters[i]];
            await world.grant(organization, "Staff", name, {
              push: true,
              pull: true,
              filters: json,
            });
          }
          const run = new World(world, kind);
          try {
            for (const operation of operations) await run.apply(operation);
            await run.finish();
          } finally {
            await run.abandon();
          }
        },
      ),
      { numRuns: runs, endOnFailure: Deno.env.has("CONVERGENCE_FAST") },
    );
  });
}
