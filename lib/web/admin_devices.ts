import { type AdminScope, notFound } from "../access/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { type AdminOperation, operation } from "./admin_operation.ts";
import { idParams, itemOf } from "./admin_resource.ts";
import { itemSchema, readItem } from "./list_page.ts";
import { deviceList } from "./list_sources.ts";

const statements = {
  revoke: "UPDATE lockstep.device SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL",
  allow: "UPDATE lockstep.device SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NOT NULL",
  resync: "UPDATE lockstep.device SET resync_requested_at = clock_timestamp() WHERE id = $1",
};

/** What can be done to a device. */
export type DeviceAction = keyof typeof statements;

/** @throws LockstepError `not_found` when `scope` does not hold the device */
export async function changeDevice(
  tx: Transaction,
  scope: AdminScope,
  id: number,
  action: DeviceAction,
): Promise<void> {
  if (!await readItem(tx, scope, deviceList, id)) throw notFound("device", id);
  await tx.execute(statements[action], [id]);
}

/** The operation that does one of these things to a device and answers how it is then. */
export function deviceOperation(
  action: DeviceAction,
  documented: { summary: string; description: string; tag: string },
): AdminOperation {
  return operation({
    ...documented,
    access: "administrators",
    params: idParams,
    answer: itemSchema(deviceList),
    async run(call) {
      const { id } = call.params;
      await call.change((tx) => changeDevice(tx, call.scope, id, action));
      return await itemOf(call, deviceList, "device", id);
    },
  });
}
