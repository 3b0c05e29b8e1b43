import { type Membership, membershipIn, type Principal } from "../access/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { BulkJob, PushPart } from "../jobs/mod.ts";
import { JsonScanner, push, type PushOutcome } from "../sync/mod.ts";
import { publicError } from "./problem.ts";
import { pushAnswer } from "./push_answer.ts";
import { recordPush } from "./record_push.ts";
import type { Services } from "./services.ts";

/** Deeper than any setting allows: what was accepted is not refused later. */
const maxDepth = 1024;

/** Writes parts of bulk pushes, each as a push of its own in the sync log. */
export function bulkPush(services: Services): PushPart {
  return async (job, part, finish) => {
    const started = performance.now();
    let outcome: PushOutcome | undefined;
    try {
      const { db, catalog } = services;
      const { principal, membership } = await pusher(services, job);
      const { SYNC } = await services.settings.current();
      const context = {
        db,
        catalog: await catalog.current(),
        principal,
        membership,
        device: job.device,
        requestId: job.requestId,
        settings: {
          "lockstep.actor_id": String(principal.userId),
          "lockstep.actor": principal.username,
          "lockstep.source": "api",
          "lockstep.request_id": job.requestId,
        },
        quarantineLimit: SYNC.QUARANTINE_LIMIT,
      };
      await push(
        context,
        new JsonScanner(part.records, maxDepth).objects(),
        { atomic: false, returns: "none", offset: part.first },
        async (tx, result) => {
          outcome = result;
          await finish(tx, pushAnswer(result, false, performance.now() - started).body);
        },
      );
      const note = { ...job, principal, membership, count: part.count, started };
      recordPush(services, note, outcome!);
    } catch (error) {
      // The worker's own errors are no failures of the push.
      if (outcome) throw error;
      throw publicError(error);
    }
  };
}

/**
 * Who pushed, with the rights of now.
 *
 * @throws LockstepError `permission_denied` when they may not push there any more
 */
export async function pusher(
  { db }: Pick<Services, "db">,
  { userId, organizationId, device }: Pick<BulkJob, "userId" | "organizationId" | "device">,
): Promise<{ principal: Principal; membership: Membership }> {
  const [user] = await db.query<Principal & { revoked: boolean }>(
    `
    SELECT u.id AS "userId", u.username, u.email, u.is_staff AS "isStaff",
      u.is_superuser AS "isSuperuser",
      EXISTS (
        SELECT FROM lockstep.device d
        WHERE d.user_id = u.id AND d.organization_id = $2 AND d.name = $3
          AND d.revoked_at IS NOT NULL) AS revoked
    FROM lockstep.app_user u
    WHERE u.id = $1 AND u.is_active`,
    [userId, organizationId, device],
  );
  const membership = user && await membershipIn(db, user, organizationId);
  if (!user || !membership || user.revoked) {
    throw new LockstepError(
      "permission_denied",
      "Who pushed this may not push to the organization any more, or not with this device.",
    );
  }
  const { revoked: _revoked, ...principal } = user;
  return { principal, membership };
}
