import type { Context } from "fresh";
import { mayAdminister } from "../access/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { QuarantineView } from "../sync/mod.ts";
import type { State } from "./define.ts";
import { bearer, type SyncCaller, syncCaller } from "./sync_caller.ts";

/** Who asks for quarantined records, and which they may see: administrators all of the organization's. */
export async function quarantineCaller(
  ctx: Context<State>,
): Promise<{ caller: SyncCaller; view: QuarantineView }> {
  const organization = ctx.url.searchParams.get("organization") ?? undefined;
  const caller = await syncCaller(ctx, await bearer(ctx), organization);
  const { principal, membership } = caller;
  return {
    caller,
    view: {
      organizationId: membership.organization.id,
      userId: mayAdminister(principal, membership) ? null : principal.userId,
    },
  };
}

/** @throws LockstepError `not_found` when the path names no id */
export function quarantineId({ params: { id } }: Context<State>): number {
  if (/^[1-9]\d{0,14}$/.test(id)) return Number(id);
  throw new LockstepError("not_found", "Quarantined records are named by their number.");
}
