import { z } from "zod";
import { copyRights } from "../../../../lib/access/mod.ts";
import { adminHandlers, define, operation, previewSchema, rowId } from "../../../../lib/web/mod.ts";

const place = z.strictObject({
  organization_id: rowId,
  group_id: rowId.optional().describe("All groups when absent on both sides."),
});

export const operations = {
  POST: operation({
    summary: "Copy permissions and filters between groups or organizations",
    tag: "Permissions",
    access: "administrators",
    body: z.strictObject({
      from: place,
      to: place,
      replace: z.boolean().default(false).describe("Also removes what the source does not have."),
    }),
    preview: true,
    answer: z.union([z.object({ written: z.int() }), previewSchema]),
    async run({ scope, body: { from, to, replace }, change }) {
      const side = (given: typeof from) => ({
        organizationId: given.organization_id,
        groupId: given.group_id,
      });
      const written = await change(
        (tx) => copyRights(tx, scope, side(from), side(to), replace),
        () => Promise.resolve([to.organization_id]),
      );
      return { written };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
