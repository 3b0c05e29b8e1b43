import type { Catalog } from "../models/mod.ts";
import type { PushContext } from "../sync/mod.ts";
import type { State } from "./define.ts";
import type { SyncCaller } from "./sync_caller.ts";

/** What a push by `caller` works with; the audit trail learns who writes from its settings. */
export function pushContext(
  { services, requestId }: State,
  caller: SyncCaller,
  catalog: Catalog,
): PushContext {
  const { principal, membership, device, settings } = caller;
  return {
    db: services.db,
    catalog,
    principal,
    membership,
    device,
    requestId,
    settings: {
      "lockstep.actor_id": String(principal.userId),
      "lockstep.actor": principal.username,
      "lockstep.source": "api",
      "lockstep.request_id": requestId,
    },
    quarantineLimit: settings.SYNC.QUARANTINE_LIMIT,
  };
}
