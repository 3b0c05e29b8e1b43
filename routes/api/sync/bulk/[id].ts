import type { Context, RouteConfig } from "fresh";
import { administers, adminScope } from "../../../../lib/access/mod.ts";
import { LockstepError } from "../../../../lib/errors/mod.ts";
import { type BulkJob, cancelBulkJob, readBulkJob } from "../../../../lib/jobs/mod.ts";
import { bearer, bulkAnswer, define, type State } from "../../../../lib/web/mod.ts";

// A path with a parameter matches with a slash at its end only if it says so.
export const config: RouteConfig = { routeOverride: "/api/sync/bulk/:id{/}?" };

/** How far a bulk push is, and its cancellation. */
export const handler = define.handlers({
  async GET(ctx) {
    return bulkAnswer(await visibleJob(ctx));
  },
  async DELETE(ctx) {
    const { id } = await visibleJob(ctx);
    await cancelBulkJob(ctx.state.services.db, id);
    return bulkAnswer(await visibleJob(ctx));
  },
});

/**
 * The bulk push of the path: the caller's own, or one of an organization that the caller administers.
 *
 * @throws LockstepError `not_found` for others and unknown ones alike
 */
async function visibleJob(ctx: Context<State>): Promise<BulkJob> {
  const { principal } = await bearer(ctx);
  const { db } = ctx.state.services;
  const { id } = ctx.params;
  const job = isUuid(id) ? await readBulkJob(db, id) : undefined;
  if (job?.userId === principal.userId) return job;
  const scope = await adminScope(db, principal).catch(unlessDenied);
  if (job && scope && administers(scope, job.organizationId)) return job;
  throw new LockstepError("not_found", `There is no bulk push ${id.slice(0, 100)}.`);
}

function unlessDenied(error: unknown): undefined {
  if (!(error instanceof LockstepError) || error.code !== "permission_denied") throw error;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
