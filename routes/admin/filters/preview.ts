import { LockstepError } from "../../../lib/errors/mod.ts";
import {
  conditionOf,
  define,
  filterVisit,
  previewFilter,
  readForm,
  sentLines,
  targetOfForm,
} from "../../../lib/web/mod.ts";

/** What the form of a filter would do, as JSON for the builder. Nothing is saved. */
export const handler = define.handlers({
  async POST(ctx) {
    const fields = await readForm(ctx.req);
    try {
      const visit = await filterVisit(ctx, fields.get("target") ?? "", fields);
      const { catalog, model } = visit;
      const target = targetOfForm(visit.target, fields);
      const condition = conditionOf(sentLines(fields), model);
      // A name is asked for by saving, not by looking.
      const named = { ...target, name: target.name.trim() || `preview ${crypto.randomUUID()}` };
      return Response.json(await previewFilter(ctx.state, catalog, named, model, condition));
    } catch (error) {
      if (!(error instanceof LockstepError) || error.status >= 500) throw error;
      return Response.json({ problem: error.message }, { status: error.status });
    }
  },
});
