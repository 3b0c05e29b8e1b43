import { notFound } from "../access/mod.ts";
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

/** The operation that does one of these things to a device and answers how it is then. */
export function deviceOperation(
  action: keyof typeof statements,
  documented: { summary: string; description: string; tag: string },
): AdminOperation {
  return operation({
    ...documented,
    access: "administrators",
    params: idParams,
    answer: itemSchema(deviceList),
    async run(call) {
      const { id } = call.params;
      await call.change(async (tx: Transaction) => {
        if (!await readItem(tx, call.scope, deviceList, id)) throw notFound("device", id);
        await tx.execute(statements[action], [id]);
      });
      return await itemOf(call, deviceList, "device", id);
    },
  });
}
