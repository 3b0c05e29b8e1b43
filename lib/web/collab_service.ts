import { isStillValid } from "../access/mod.ts";
import {
  CollabHub,
  type CollabIdentity,
  type CollabOptions,
  type CollabStore,
  defaultCollabOptions,
  MemoryStore,
  RedisStore,
  timingOf,
} from "../collab/mod.ts";
import { recordEvent } from "../audit/mod.ts";
import type { Environment, Settings } from "../config/mod.ts";
import type { Database } from "../db/mod.ts";
import { logger } from "../log/mod.ts";

/** The options of the stored settings: the seed's names in lower case, and ours. */
export function collabOptions(settings: Settings["COLLABORATION"]): CollabOptions {
  const named = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key.toLowerCase(), value])
      .filter(([key]) => (key as string) in defaultCollabOptions),
  );
  return {
    ...defaultCollabOptions,
    ...named,
    heartbeat_interval: settings.HEARTBEAT_SECONDS,
    stale_after: settings.LEASE_SECONDS,
    grace: settings.GRACE_SECONDS,
  };
}

/** Rooms and locks in Redis where there is one, else in this process. */
export async function createCollab(
  db: Database,
  env: Environment,
  settings: Settings["COLLABORATION"],
): Promise<CollabHub> {
  const options = collabOptions(settings);
  const timing = timingOf(options);
  const store: CollabStore = env.redisUrl
    ? await RedisStore.open(env.redisUrl, timing, {
      redis_max_retries: env.redis.maxRetries,
      redis_retry_delay: env.redis.retryDelay / 1000,
      redis_socket_timeout: env.redis.socketTimeout / 1000,
    })
    : new MemoryStore(timing);
  const hub = new CollabHub({
    db,
    store,
    options,
    stillAllowed: (identity) => standing(db, identity),
    async onForcedTakeOver(tx, event) {
      await recordEvent(tx, {
        action: "take_over",
        model: "lockstep.EditLock",
        key: { room: event.room },
        detail: { ...event },
      });
    },
    report: (error) => logger("collab").error("Collaboration failed: {error}", { error }),
  });
  await hub.start();
  return hub;
}

/** Whether the session behind a socket would still be let in. */
async function standing(db: Database, identity: CollabIdentity) {
  const [user] = await db.query<{ is_staff: boolean; is_superuser: boolean }>(
    "SELECT is_staff, is_superuser FROM lockstep.app_user WHERE id = $1 AND is_active",
    [identity.userId],
  );
  if (!user) return "signed_out";
  if (!user.is_staff && !user.is_superuser) return "forbidden";
  const valid = await isStillValid(db, {
    ...identity,
    isStaff: user.is_staff,
    isSuperuser: user.is_superuser,
  });
  return valid ? { ...identity, canForce: user.is_superuser } : "signed_out";
}
