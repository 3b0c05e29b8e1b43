import { z } from "zod";
import { LockstepError } from "../../../../lib/errors/mod.ts";
import {
  adminHandlers,
  auditAnswer,
  auditPage,
  define,
  operation,
} from "../../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Who changed which setting",
    tag: "Settings",
    access: "staff",
    query: z.strictObject({
      section: z.string().max(100).optional(),
      key: z.string().max(200).optional(),
      ...auditPage,
    }),
    answer: auditAnswer.schema,
    run: ({ ctx, principal, scope, catalog, query }) => {
      const { section, key, ...page } = query;
      if ((section === undefined) !== (key === undefined)) {
        throw new LockstepError(
          "required",
          "section, key: Name both, or neither for all settings.",
        );
      }
      const filter = {
        model: "lockstep.SyncConfiguration",
        key: section === undefined ? undefined : { section, key: key! },
      };
      return auditAnswer.page(ctx.state.services.db, principal, scope, catalog, filter, page);
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
