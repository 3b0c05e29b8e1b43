import { z } from "zod";
import {
  explainAccess,
  explainRow,
  findSubject,
  modelAccess,
  modelGrants,
  modelNamed,
  parseRowKey,
} from "../../../lib/access/mod.ts";
import { adminHandlers, define, operation } from "../../../lib/web/mod.ts";

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
      "show or hide that row.",
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
    async run({ ctx, scope, catalog, query }) {
      const { db } = ctx.state.services;
      const { principal, membership, notes } = await findSubject(
        db,
        scope,
        query.user,
        query.organization,
      );
      const model = modelNamed(catalog, query.model);
      const explained = await explainAccess(db, principal, membership, catalog, model);
      if (!model.enabled) notes.push(`${model.name} takes no part in the sync: ${model.reason}`);
      if (explained.push.allowed && model.enabled && !model.writable) {
        notes.push(`${model.name} is shared and not marked writable, so nobody may push it.`);
      }
      const answer = {
        user: { id: principal.userId, username: principal.username },
        organization: membership.organization,
        model: model.name,
        notes,
        ...explained,
      };
      // Of a table that takes no part, no row may be asked about: it may be nobody's to see.
      if (query.key === undefined || !model.enabled) return answer;
      const grants = (await modelGrants(db, principal, membership, catalog)).get(model.name) ?? [];
      const access = (await modelAccess(db, principal, membership, catalog)).get(model.name) ??
        { push: null, pull: null };
      const row = await explainRow(
        db,
        model,
        membership.organization.id,
        parseRowKey(model, query.key),
        access,
        grants,
      );
      return { ...answer, row };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
