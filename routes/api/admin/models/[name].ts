import type { RouteConfig } from "fresh";
import { z } from "zod";
import { modelNamed } from "../../../../lib/access/mod.ts";
import { LockstepError } from "../../../../lib/errors/mod.ts";
import {
  adminHandlers,
  define,
  lockSettings,
  modelDetail,
  modelWithColumns,
  operation,
  requireModelVersion,
  setAudit,
  storeSettings,
} from "../../../../lib/web/mod.ts";

const params = z.object({ name: z.string().max(200) });

export const operations = {
  GET: operation({
    summary: "Read a model",
    tag: "Models",
    access: "administrators",
    params,
    answer: modelDetail,
    run: ({ ctx, scope, catalog, params }) =>
      modelWithColumns(
        ctx.state.services.db,
        catalog,
        modelNamed(catalog, params.name),
        "all" in scope,
      ),
  }),
  PATCH: operation({
    summary: "Change what is set for a model",
    description: "Null gives a setting its default again.",
    tag: "Models",
    access: "staff",
    params,
    body: z.strictObject({
      conflict_policy: z.enum(["last_write_wins", "reject", "merge"]).nullable().optional(),
      writable: z.boolean().nullable().optional(),
      audit: z.boolean().nullable().optional().describe(
        "Whether every change of its rows is written to the audit trail, from now on.",
      ),
    }),
    ifMatch: true,
    answer: modelDetail,
    async run({ ctx, catalog, params, body, version, change, actor }) {
      const { db, catalog: models } = ctx.state.services;
      const model = modelNamed(catalog, params.name);
      const { audit } = body;
      if (audit && !model.enabled) {
        throw new LockstepError("not_syncable", `${model.name} takes no part: ${model.reason}`);
      }
      await requireModelVersion(db, model, version);
      // First: a table that cannot be audited must not be said to be.
      if (audit !== undefined && (audit ?? false) !== model.audit) {
        await setAudit(db, model, audit ?? false, actor);
      }
      await change(async (tx) => {
        const stored = await lockSettings(tx);
        await requireModelVersion(tx, model, version);
        const entry = { ...stored.MODELS?.[model.name] as object, ...body };
        const set = Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
        if (JSON.stringify(set) === "{}" && stored.MODELS?.[model.name] === undefined) return;
        await storeSettings(tx, stored, { MODELS: { [model.name]: set } }, false);
      });
      models.invalidate();
      const after = await models.current();
      return await modelWithColumns(db, after, modelNamed(after, params.name), true);
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/models/:name{/}?" };

export const handler = define.handlers(adminHandlers(operations));
