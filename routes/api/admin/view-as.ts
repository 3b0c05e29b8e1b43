import { z } from "zod";
import {
  adminHandlers,
  decodeKey,
  define,
  encodeKey,
  operation,
  rawJson,
  viewLook,
} from "../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "The rows that a user would pull",
    description: "It only reads: the rows come from a read-only transaction. That somebody " +
      "looked is in the audit trail.",
    tag: "Access",
    access: "administrators",
    query: z.strictObject({
      user: z.string().max(150).describe("Id or username."),
      organization: z.string().max(50).describe("Id or slug."),
      model: z.string().max(200),
      limit: z.string().regex(/^\d{1,4}$/, "Must be from 1 to 1000").default("50").transform(Number)
        .pipe(z.int().min(1).max(1000)),
      cursor: z.string().max(4000).optional(),
    }),
    answer: z.object({
      rows: z.string().describe("Which rows, in words."),
      items: z.array(z.record(z.string(), z.unknown())),
      next: z.string().nullable(),
    }),
    async run({ ctx, scope, catalog, actor, query }) {
      const { limit, cursor, ...look } = query;
      const page = await viewLook({ db: ctx.state.services.db, scope, catalog, actor }, look, {
        limit,
        after: (columns) => cursor === undefined ? null : decodeKey(cursor, columns),
      });
      return rawJson(
        `{"rows":${JSON.stringify(page.words)},"items":[${page.rows.join(",")}],"next":${
          JSON.stringify(page.next && encodeKey(page.next))
        }}`,
      );
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
