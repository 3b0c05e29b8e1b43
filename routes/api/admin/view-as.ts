import { z } from "zod";
import {
  describeScope,
  findSubject,
  modelAccess,
  modelNamed,
  viewRows,
} from "../../../lib/access/mod.ts";
import {
  adminHandlers,
  decodeKey,
  define,
  encodeKey,
  operation,
  rawJson,
} from "../../../lib/web/mod.ts";

/** Milliseconds that one page may take. */
const pageTime = "5000";

export const operations = {
  GET: operation({
    summary: "The rows that a user would pull",
    description: "It only reads: the rows come from a read-only transaction.",
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
    async run({ ctx, scope, catalog, query }) {
      const { db } = ctx.state.services;
      const { principal, membership } = await findSubject(
        db,
        scope,
        query.user,
        query.organization,
      );
      const model = modelNamed(catalog, query.model);
      const rights = await modelAccess(db, principal, membership, catalog);
      const pull = model.enabled ? rights.get(model.name)?.pull ?? { any: [] } : { any: [] };
      const after = query.cursor === undefined ? null : decodeKey(query.cursor, model.key.length);
      const page = await db.transaction(
        { readOnly: true, settings: { statement_timeout: pageTime } },
        (tx) =>
          viewRows(tx, model, membership.organization.id, pull, { limit: query.limit, after }),
      );
      return rawJson(
        `{"rows":${JSON.stringify(describeScope(pull))},"items":[${page.rows.join(",")}],"next":${
          JSON.stringify(page.next && encodeKey(page.next))
        }}`,
      );
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
