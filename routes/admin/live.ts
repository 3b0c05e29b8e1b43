import { adminScope, isStillValid, membershipIn } from "../../lib/access/mod.ts";
import { LockstepError } from "../../lib/errors/mod.ts";
import { define, eventStream } from "../../lib/web/mod.ts";

/** Milliseconds between checks of what ends by time, which nobody announces. */
const checkEvery = 30_000;

/**
 * Tells, as server-sent events named `logs` and `audit`, that there is something new in what the
 * visitor administers, until the right to know ends.
 */
export const handler = define.handlers({
  async GET(ctx) {
    const { db, access, live, stopping } = ctx.state.services;
    const { user, scope, organization } = ctx.state.admin!;
    const mayFollow = async () => {
      try {
        if (!await isStillValid(db, user)) return false;
        const now = await adminScope(db, user);
        if (JSON.stringify(now) !== JSON.stringify(scope)) return false;
        if (!organization) return true;
        return await membershipIn(db, user, organization.id) !== undefined;
      } catch (error) {
        if (!(error instanceof LockstepError)) return true;
        return false;
      }
    };
    return await eventStream(stopping, async (stream) => {
      const unfollow = await live.follow({
        scope,
        organizationId: organization?.id,
        tell: (topic) => stream.send(topic, {}),
      });
      const check = async () => {
        if (await mayFollow()) return;
        stream.send("revoked", {});
        stream.close();
      };
      const unlisten = access.listen(check);
      const timer = setInterval(check, checkEvery);
      return () => {
        unfollow();
        unlisten();
        clearInterval(timer);
      };
    });
  },
});
