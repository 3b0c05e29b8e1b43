import { z } from "zod";
import { auditStatus, verifyAudit } from "../../../../lib/audit/mod.ts";
import { adminHandlers, define, operation } from "../../../../lib/web/mod.ts";

const head = z.object({ position: z.int(), hash: z.string() });

export const operations = {
  POST: operation({
    summary: "Verify the hash chain of the audit trail",
    description: "With a head that was kept elsewhere it also shows whether the whole chain was " +
      "written anew.",
    tag: "Audit",
    access: "staff",
    body: z.strictObject({
      known: z.strictObject({
        position: z.int().min(0),
        hash: z.string().regex(/^[0-9a-f]{64}$/, "Must be 64 hexadecimal digits"),
      }).optional(),
    }),
    answer: z.object({
      intact: z.boolean(),
      problem: z.object({
        kind: z.string(),
        position: z.int().nullable(),
        event_id: z.int().nullable(),
        message: z.string(),
      }).nullable(),
      verified: z.int(),
      pending: z.int().describe("Events that the chain does not cover yet."),
      head,
      tables: z.array(z.object({ model: z.string(), state: z.string(), message: z.string() }))
        .describe("Whether the changes of each audited table reach the trail."),
    }),
    async run({ ctx, body }) {
      const { db } = ctx.state.services;
      const { problem, verified, pending, head } = await verifyAudit(db, body.known);
      const tables = await auditStatus(db);
      return {
        intact: problem === null,
        problem: problem && {
          kind: problem.kind,
          position: problem.position,
          event_id: problem.eventId,
          message: problem.message,
        },
        verified,
        pending,
        head,
        tables: tables.map(({ modelName, state, message }) => ({
          model: modelName,
          state,
          message,
        })),
      };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
