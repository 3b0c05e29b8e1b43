import { type Database, lockSettings, storeSettings, type Transaction } from "../../lib/db/mod.ts";

/** Stores one setting as the admin does: a value that is not valid is refused. */
export async function saveSetting(
  db: Database | Transaction,
  section: string,
  key: string,
  value: unknown,
): Promise<void> {
  const store = async (tx: Transaction) => {
    await storeSettings(tx, await lockSettings(tx), { [section]: { [key]: value } }, false);
  };
  await ("transaction" in db ? db.transaction({}, store) : store(db));
}
