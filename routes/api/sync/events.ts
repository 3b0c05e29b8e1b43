import { isStillValid, modelAccess } from "../../../lib/access/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import type { Model } from "../../../lib/models/mod.ts";
import { bearer, define, eventStream, syncCaller } from "../../../lib/web/mod.ts";

/** Tells which of the caller's models changed, as server-sent events, until the right to know ends. */
export const handler = define.handlers({
  async GET(ctx) {
    const { db, catalog: models, changes, access, stopping } = ctx.state.services;
    const caller = await syncCaller(
      ctx,
      await bearer(ctx),
      ctx.url.searchParams.get("organization") ?? undefined,
    );
    const { principal, membership: { organization } } = caller;
    const catalog = await models.current();
    const rights = await modelAccess(db, principal, caller.membership, catalog);
    const pullable = (model: Model) => model.enabled && rights.get(model.name)?.pull;
    const asked = (ctx.url.searchParams.get("models") ?? "").split(",").filter(Boolean);
    const chosen = asked.length === 0 ? catalog.models.filter(pullable) : asked.map((name) => {
      const model = catalog.find(name);
      if (model && pullable(model)) return model;
      throw new LockstepError("permission_denied", `You may not pull ${name.slice(0, 100)}.`);
    });
    const place = ctx.req.headers.get("Last-Event-ID")?.slice(0, 10_000);
    return await eventStream(stopping, async (stream) => {
      const unsubscribe = await changes.subscribe(
        organization.id,
        chosen,
        place,
        (event) => stream.send("change", { models: event.models, as_of: event.asOf }, event.place),
        () => stream.close(),
      );
      const check = async () => {
        try {
          const { membership } = await syncCaller(ctx, caller, organization.slug);
          const now = await modelAccess(db, principal, membership, await models.current());
          const allowed = chosen.every(({ name }) => now.get(name)?.pull);
          if (allowed && await isStillValid(db, principal)) return;
        } catch (error) {
          if (!(error instanceof LockstepError)) return;
        }
        stream.send("revoked", {});
        stream.close();
      };
      const unlisten = access.listen(check);
      // A token also ends by time, which nobody announces.
      const timer = setInterval(check, 30_000);
      return () => {
        unsubscribe();
        unlisten();
        clearInterval(timer);
      };
    });
  },
});
