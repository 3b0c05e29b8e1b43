import type { RouteConfig } from "fresh";
import { z } from "zod";
import { modelNamed } from "../../../../lib/access/mod.ts";
import {
  adminHandlers,
  changeModel,
  define,
  modelChange,
  modelDetail,
  modelWithColumns,
  operation,
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
    body: modelChange,
    ifMatch: true,
    answer: modelDetail,
    async run({ ctx, catalog, params, body, version, change, actor }) {
      const { db, catalog: models } = ctx.state.services;
      const model = modelNamed(catalog, params.name);
      await changeModel(ctx.state.services, model, version, body, actor, change);
      const after = await models.current();
      return await modelWithColumns(db, after, modelNamed(after, params.name), true);
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/models/:name{/}?" };

export const handler = define.handlers(adminHandlers(operations));
