import type { RouteConfig } from "fresh";
import { z } from "zod";
import {
  loadSettings,
  lockSettings,
  resetSettings,
  storeSettings,
} from "../../../../../lib/db/mod.ts";
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

const params = z.object({ section: z.string().max(100) });
const answer = sectionSchema.extend({
  warnings: z.array(z.string()).describe("What of the change could not take effect."),
});

export const operations = {
  GET: operation({
    summary: "Read a section of settings",
    tag: "Settings",
    access: "staff",
    params,
    answer: sectionSchema,
    async run({ ctx, settings, params }) {
      const [section] = await readSections(
        ctx.state.services.db,
        settings,
        sectionNamed(params.section),
      );
      return section;
    },
  }),
  PATCH: operation({
    summary: "Change settings of a section",
    description: "The members that are sent; they are checked together.",
    tag: "Settings",
    access: "staff",
    params,
    body: z.record(z.string(), z.unknown()),
    ifMatch: true,
    answer,
    async run({ ctx, params, body, version, change, actor }) {
      const { db } = ctx.state.services;
      const section = sectionNamed(params.section);
      await change(async (tx) => {
        const stored = await lockSettings(tx);
        await requireSectionVersion(tx, section, version);
        await storeSettings(tx, stored, { [section]: body }, false);
      });
      const warnings = await settingsChanged(ctx.state.services, actor);
      const [saved] = await readSections(db, await loadSettings(db), section);
      return { ...saved, warnings };
    },
  }),
  DELETE: operation({
    summary: "Reset a section to its defaults",
    tag: "Settings",
    access: "staff",
    params,
    ifMatch: true,
    answer,
    async run({ ctx, params, version, change, actor }) {
      const { db } = ctx.state.services;
      const section = sectionNamed(params.section);
      await change(async (tx) => {
        await lockSettings(tx);
        await requireSectionVersion(tx, section, version);
        await resetSettings(tx, section);
      });
      const warnings = await settingsChanged(ctx.state.services, actor);
      const [saved] = await readSections(db, await loadSettings(db), section);
      return { ...saved, warnings };
    },
  }),
};

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/admin/settings/:section{/}?" };

export const handler = define.handlers(adminHandlers(operations));
