import { z } from "zod";
import { defaultGroups, ensureGroups } from "../../../../lib/access/mod.ts";
import { adminHandlers, define, operation } from "../../../../lib/web/mod.ts";

export const operations = {
  POST: operation({
    summary: "Create the seven default groups",
    description: "Those that exist stay as they are.",
    tag: "Groups",
    access: "staff",
    answer: z.object({ items: z.array(z.object({ id: z.int(), name: z.string() })) }),
    async run({ change }) {
      const ids = await change((tx) => ensureGroups(tx, defaultGroups));
      return { items: defaultGroups.map(({ name }) => ({ id: ids.get(name), name })) };
    },
  }),
};

export const handler = define.handlers(adminHandlers(operations));
