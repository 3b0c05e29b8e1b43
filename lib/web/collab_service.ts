import { isStillValid, type Principal } from "../access/mod.ts";
import {
  CollabHub,
  type CollabIdentity,
  type CollabOptions,
  type CollabStore,
  defaultCollabOptions,
  MemoryStore,
  RedisStore,
  type Standing,
  timingOf,
} from "../collab/mod.ts";
import { actorSettings, recordEvent } from "../audit/mod.ts";
import type { Environment, Settings } from "../config/mod.ts";
import type { Database } from "../db/mod.ts";
import { logger } from "../log/mod.ts";
import type { ModelCatalog } from "../models/mod.ts";
import { maySee } from "./collab_records.ts";

/** The options of the stored settings: the seed's names in lower case, and ours. */
export function collabOptions({ COLLABORATION: settings, CHAT }: Settings): CollabOptions {
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
    frame_length: settings.MAX_MESSAGE_BYTES,
    messages_per_second: settings.MAX_MESSAGES_PER_SECOND,
    buffered_bytes: settings.MAX_BACKLOG_BYTES,
    chat_length: CHAT.MAX_MESSAGE_LENGTH,
    chat_per_minute: CHAT.MESSAGES_PER_MINUTE,
  };
}

/** Rooms and locks in Redis where there is one, else in this process. */
export async function createCollab(
  db: Database,
  env: Environment,
  settings: Settings,
  catalog: ModelCatalog,
): Promise<CollabHub> {
  const options = collabOptions(settings);
  const timing = timingOf(options);
  const store: CollabStore = env.redisUrl
    ? await RedisStore.open(env.redisUrl, timing, {
      redis_max_retries: env.redis.maxRetries,
      redis_retry_delay: env.redis.retryDelay / 1000,
      redis_socket_timeout: env.redis.socketTimeout / 1000,
      redis_max_connections: env.redis.maxConnections,
    })
    : new MemoryStore(timing);
  const hub = new CollabHub({
    db,
    store,
    options,
    stillAllowed: (identity) => standing(db, catalog, identity),
    async onForcedTakeOver(tx, event) {
      const { room, by, from, token, reason } = event;
      const actor = actorSettings({ id: by.userId, name: by.username, source: "admin" });
      for (const [name, value] of Object.entries(actor)) {
        await tx.query("SELECT set_config($1::text, $2::text, true)", [name, value]);
      }
      await recordEvent(tx, {
        action: "take_over",
        model: "lockstep.EditLock",
        key: { room },
        detail: { from, token, reason },
      });
    },
    report: (error) => logger("collab").error("Collaboration failed: {error}", { error }),
  });
  await hub.start();
  if (!store.available) {
    logger("collab").warning(
      "Redis cannot be reached. Nobody can edit together until it can be; everything else works. " +
        "Check REDIS_URL, and that Redis runs.",
    );
  }
  return hub;
}

/** Whether the session behind a socket would still be let in. */
async function standing(
  db: Database,
  catalog: ModelCatalog,
  identity: CollabIdentity,
): Promise<Standing> {
  const [user] = await db.query<{ is_staff: boolean; is_superuser: boolean }>(
    "SELECT is_staff, is_superuser FROM lockstep.app_user WHERE id = $1 AND is_active",
    [identity.userId],
  );
  if (!user) return "signed_out";
  const principal: Principal = {
    ...identity,
    isStaff: user.is_staff,
    isSuperuser: user.is_superuser,
  };
  const isStaff = user.is_staff || user.is_superuser;
  if (!isStaff) {
    const { record } = identity;
    if (!record || !await maySee({ db }, await catalog.current(), principal, record)) {
      return "forbidden";
    }
  }
  return await isStillValid(db, principal) ? { ...identity, canForce: isStaff } : "signed_out";
}
