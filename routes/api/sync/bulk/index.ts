import { createHash } from "node:crypto";
import { LockstepError } from "../../../../lib/errors/mod.ts";
import {
  type BulkOrigin,
  countWaiting,
  deleteParts,
  queueBulkJob,
  storePart,
} from "../../../../lib/jobs/mod.ts";
import { type IdempotencyScope, once, storeAnswer } from "../../../../lib/sync/mod.ts";
import {
  bearer,
  bulkRequest,
  define,
  idempotencyKey,
  syncCaller,
} from "../../../../lib/web/mod.ts";

/** Takes a large push, to be written in the background. */
export const handler = define.handlers({
  async POST(ctx) {
    const known = await bearer(ctx);
    const { SYNC, JOBS } = known.settings;
    const key = idempotencyKey(ctx.req);
    const { organization, parts } = await bulkRequest(ctx.req, ctx.url, SYNC);
    const { principal, membership, device, clientVersion } = await syncCaller(
      ctx,
      known,
      organization,
    );
    const { db } = ctx.state.services;
    const origin: BulkOrigin = {
      userId: principal.userId,
      organizationId: membership.organization.id,
      device,
      clientVersion,
      requestId: ctx.state.requestId,
    };
    if (await countWaiting(db, origin.organizationId) >= JOBS.BULK_LIMIT) {
      throw new LockstepError(
        "too_many_requests",
        `${JOBS.BULK_LIMIT} bulk pushes of the organization are waiting. Send this one later.`,
        { headers: { "Retry-After": "60" } },
      );
    }

    const id = crypto.randomUUID();
    const hash = createHash("sha256").update("bulk\0");
    let total = 0;
    let queued = false;
    try {
      for await (const part of parts) {
        await storePart(db, id, origin, part);
        hash.update(part.records);
        total += part.count;
      }
      const scope: IdempotencyScope | undefined = key === undefined
        ? undefined
        : { ...origin, key, requestHash: hash.digest("base64url") };
      const { status, body, replayed } = await once(
        db,
        scope,
        () =>
          db.transaction({}, async (tx) => {
            const answer = {
              status: 202,
              body: JSON.stringify({ id, status_url: `/api/sync/bulk/${id}/` }),
            };
            await queueBulkJob(tx, id, origin, total);
            if (scope) await storeAnswer(tx, scope, answer);
            return answer;
          }),
      );
      queued = !replayed;
      return new Response(body, {
        status,
        headers: {
          "Content-Type": "application/json",
          "Cache-Control": "no-store",
          Location: JSON.parse(body).status_url,
          ...(replayed ? { "Idempotency-Replayed": "true" } : {}),
        },
      });
    } finally {
      // What broke off, or came before under the same key, is not kept twice.
      if (!queued && total > 0) await deleteParts(db, id);
    }
  },
});
