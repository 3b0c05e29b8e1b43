import type { RouteConfig } from "fresh";
import { z } from "zod";
import { loadSettings, lockSettings, resetSettings } from "../../../../../lib/db/mod.ts";
import {
  adminHandlers,
  define,
  operation,
  readSections,
  requireSectionVersion,
  sectionNamed,
  sectionSchema,
  settingsChanged,
} from "../../../../../lib/web/mod.ts";

export const operations = {
  DELETE: operation({
    summary: "Reset one setting to its default",
    description: "The version is that of the section.",
    tag: "Settings",
    access: "staff",
    params: z.object({ section: z.string().max(100), key: z.string().max(200) }),
    ifMatch: true,
    answer: sectionSchema,
    async run({ ctx, params, version, change, actor }) {
      const { db } = ctx.state.services;
      const section = sectionNamed(params.section);
      await change(async (tx) => {
        await lockSettings(tx);
        await requireSectionVersion(tx, section, version);
        await resetSettings(tx, section, params.key);
      });
      await settingsChanged(ctx.state.services, actor);
      const [saved] = await readSections(db, await loadSettings(db), section);
      return saved;
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/settings/:section/:key{/}?" };

export const handler = define.handlers(adminHandlers(operations));
