import { z } from "zod";
import { adminHandlers, define, operation } from "../../../lib/web/mod.ts";

export const operations = {
  GET: operation({
    summary: "Who the caller is, and what they administer",
    tag: "Access",
    access: "administrators",
    answer: z.object({
      user: z.object({ id: z.int(), username: z.string(), email: z.string() }),
      is_staff: z.boolean(),
      is_superuser: z.boolean(),
      organization_ids: z.array(z.int()).nullable().describe("Null for all."),
    }),
    run: ({ principal, scope }) =>
      Promise.resolve({
        user: { id: principal.userId, username: principal.username, email: principal.email },
        is_staff: principal.isStaff,
        is_superuser: principal.isSuperuser,
        organization_ids: "all" in scope ? null : scope.organizationIds,
      }),
  }),
};

export const handler = define.handlers(adminHandlers(operations));
