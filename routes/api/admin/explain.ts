import { z } from "zod";
import { adminHandlers, define, explainLook, operation } from "../../../lib/web/mod.ts";

const condition = z.object({
  words: z.string(),
  sql: z.string(),
  params: z.array(z.unknown()),
});
const right = z.object({
  allowed: z.boolean(),
  reason: z.string(),
  rows: z.string().describe("Which rows, in words."),
  sql: z.string(),
  params: z.array(z.unknown()),
});

export const operations = {
  GET: operation({
    summary: "Explain what a user may push and pull, and why",
    description:
      "In words and SQL, by group and filter. With `key` it also tells which conditions " +
      "show or hide that row. That somebody asked is in the audit trail.",
    tag: "Access",
    access: "administrators",
    query: z.strictObject({
      user: z.string().max(150).describe("Id or username."),
      organization: z.string().max(50).describe("Id or slug."),
      model: z.string().max(200),
      key: z.string().max(2000).optional().describe(
        "Key of a row; a JSON object for a key of several columns.",
      ),
    }),
    answer: z.object({
      user: z.object({ id: z.int(), username: z.string() }),
      organization: z.object({ id: z.int(), name: z.string(), slug: z.string() }),
      model: z.string(),
      notes: z.array(z.string()).describe("Why the rights may not count at present."),
      push: right,
      pull: right,
      groups: z.array(z.object({
        name: z.string(),
        push: z.boolean(),
        pull: z.boolean(),
        filters: z.array(z.object({
          name: z.string(),
          conditions: z.array(condition),
          problem: z.string().optional(),
        })),
      })),
      row: z.object({
        push: z.boolean(),
        pull: z.boolean(),
        groups: z.array(z.object({
          name: z.string(),
          push: z.boolean(),
          pull: z.boolean(),
          holds: z.boolean(),
          filters: z.array(z.object({
            name: z.string(),
            conditions: z.array(z.object({ words: z.string(), holds: z.boolean() })),
            problem: z.string().optional(),
          })),
        })),
      }).optional(),
    }),
    run: ({ ctx, scope, catalog, actor, query }) =>
      explainLook({ db: ctx.state.services.db, scope, catalog, actor }, query),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
