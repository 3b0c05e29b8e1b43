import { expect } from "expect";
import { enableAudit } from "../lib/audit/mod.ts";
import {
  affectedRows,
  createRecord,
  deleteRecord,
  listRecords,
  readRecord,
  recordHistory,
  revertRecord,
  updateRecord,
} from "../lib/sync/mod.ts";
import { actor, everything, names, open, refusal } from "./records_support.ts";
import { eachDatabase } from "./support/databases.ts";

eachDatabase(
  "records of another organization are neither changed, deleted nor pointed to",
  async ({ db }) => {
    const world = await open(db);
    const { one, both, two, model } = world;
    const version = (await readRecord(db, model("shop.customer"), two, ["4"]))!.version;
    const write = world.write("shop.customer", one);
    expect(await updateRecord(write, ["4"], version, new Map([["name", '"X"']]))).toBe(undefined);
    expect(await deleteRecord(write, ["4"], version)).toBe(undefined);
    expect((await refusal(createRecord(write, 2, new Map([["name", '"X"']])))).code).toBe(
      "not_found",
    );

    // Somebody who administers both must not tie them together either.
    const wide = world.write("shop.customer", both);
    const ann = (await readRecord(db, model("shop.customer"), both, ["1"]))!;
    expect(await refusal(updateRecord(wide, ["1"], ann.version, new Map([["friend_id", "4"]]))))
      .toMatchObject({ code: "missing_reference", field: "friend_id" });
    expect(
      await refusal(createRecord(wide, 1, new Map([["name", '"New"'], ["friend_id", "4"]]))),
    ).toMatchObject({ code: "missing_reference", field: "friend_id" });
    expect(await names(world, both)).toEqual(["Yan", "Zoe", "Cat", "Ben", "Ann"]);
  },
);

eachDatabase("updateRecord() writes what changed, and nothing when nothing did", async ({ db }) => {
  const world = await open(db);
  const write = world.write("shop.customer", world.one);
  const read = async () => (await readRecord(db, write.model, world.one, ["1"]))!;
  const first = await read();
  expect(first.values).toMatchObject({
    credit: "12345678901234567890.25",
    notes: '{\n    "n": 12345678901234567890\n}',
    seen: "2024-01-31 09:30:00Z",
    tags: "[]",
    nick: "annie",
  });
  const same = new Map([["nick", '"annie"'], ["credit", '"12345678901234567890.25"']]);
  expect(await updateRecord(write, ["1"], first.version, same)).toEqual({ changed: [] });
  expect((await read()).version).toBe(first.version);
  expect(
    await updateRecord(
      write,
      ["1"],
      first.version,
      new Map([
        ["nick", '"annie"'],
        ["tags", '["a", "b, c"]'],
        ["notes", '{"n": 98765432109876543210}'],
        ["seen", '"2024-02-01 00:00:00Z"'],
        ["state", '"old"'],
        ["country", '"de"'],
        ["age", '"7"'],
      ]),
    ),
  ).toEqual({ changed: ["country", "state", "age", "notes", "tags", "seen"] });
  const second = await read();
  expect(second.values).toMatchObject({
    tags: '["a","b, c"]',
    notes: '{\n    "n": 98765432109876543210\n}',
    seen: "2024-02-01 00:00:00Z",
    organization_id: "1",
  });
  expect(second.values.updated_at! > "2024").toBe(true);
  const late = await updateRecord(write, ["1"], first.version, new Map([["nick", "null"]]));
  expect(late).toMatchObject({ current: { version: second.version, values: second.values } });
  expect((await read()).version).toBe(second.version);
});

eachDatabase("what PostgreSQL refuses is told with the column", async ({ db }) => {
  const world = await open(db);
  const write = world.write("shop.customer", world.one);
  const { version } = (await readRecord(db, write.model, world.one, ["1"]))!;
  const refused = (name: string, raw: string) =>
    refusal(updateRecord(write, ["1"], version, new Map([["nick", '"x"'], [name, raw]])));
  expect(await refused("age", "-1")).toMatchObject({ code: "check_violation", field: "age" });
  expect(await refused("address", '"nowhere"')).toMatchObject({
    code: "invalid_value",
    field: "address",
  });
  expect(await refused("country", '"xx"')).toMatchObject({
    code: "missing_reference",
    field: "country",
  });
  expect(await refused("name", "null")).toMatchObject({ code: "required", field: "name" });
  expect(await refused("name", '"Ben"')).toMatchObject({ code: "duplicate" });
  expect((await readRecord(db, write.model, world.one, ["1"]))!.version).toBe(version);
});

eachDatabase(
  "affectedRows() follows cascades, and deleteRecord() refuses what others need",
  async ({ db }) => {
    const world = await open(db);
    const { catalog, one, model } = world;
    const write = world.write("shop.customer", one);
    await db.script("UPDATE shop.customer SET friend_id = 1 WHERE id IN (2, 3)");
    const shown = async (key: string) =>
      (await affectedRows(db, write.model, catalog, one, [key]))
        .map(({ model, effect, count, foreign }) => [model.name, effect, count, foreign]);
    expect(await shown("1")).toEqual([["shop.Customer", "cleared", 2, false], [
      "shop.Visit",
      "deleted",
      2,
      false,
    ]]);
    expect(await shown("2")).toEqual([["shop.Bill", "forbids", 1, false]]);
    const version = async (key: string) => (await readRecord(db, write.model, one, [key]))!.version;
    expect((await refusal(deleteRecord(write, ["2"], await version("2")))).code).toBe("conflict");
    const before = await version("1");
    await db.script("UPDATE shop.customer SET nick = 'x' WHERE id = 1");
    expect(await deleteRecord(write, ["1"], before)).toBe(false);
    // A row of another organization, brought there behind the server's back.
    await db.script("INSERT INTO shop.visit VALUES (2, 1, '2024-03-01')");
    expect((await refusal(deleteRecord(write, ["1"], await version("1")))).message).toContain(
      "shop.Visit",
    );
    await db.script("DELETE FROM shop.visit WHERE day = '2024-03-01'");
    expect(await deleteRecord(write, ["1"], await version("1"))).toBe(true);
    expect(await readRecord(db, write.model, one, ["1"])).toBe(undefined);
    expect((await listRecords(db, model("shop.visit"), one, everything, [], {}, { limit: 9 })).rows)
      .toEqual([]);
  },
);

eachDatabase(
  "every edit is in the audit trail once, with or without triggers, and can be reverted",
  async ({ db }) => {
    const world = await open(db);
    const { one, two } = world;
    for (const audited of [false, true]) {
      const write = world.write("shop.customer", one);
      const { schema, table, name, key, tenantColumn } = write.model;
      if (audited) {
        await enableAudit(
          db,
          { schema, table, modelName: name, key, tenantColumn },
          actor,
        );
      }
      const [id] = await createRecord(
        write,
        1,
        new Map([["name", `"New ${audited}"`], ["credit", '"0.10"']]),
      );
      const read = async () => await readRecord(db, write.model, one, [id]);
      const { version } = (await read())!;
      await updateRecord(write, [id], version, new Map([["nick", '"n"'], ["credit", '"0.20"']]));
      await updateRecord(write, [id], (await read())!.version, new Map());
      const history = async () => (await recordHistory(db, write.model, one, { id })).entries;
      const [update, create, ...none] = await history();
      expect(none).toEqual([]);
      expect([create.action, update.action, update.actor, update.source]).toEqual([
        "create",
        "update",
        "sam",
        "admin",
      ]);
      const changes = update.changes.filter(({ field }) =>
        !["updated_at", "shout"].includes(field)
      );
      expect(changes.map(({ field }) => field).sort()).toEqual(["credit", "nick"]);
      expect(changes.find(({ field }) => field === "credit")).toMatchObject({
        before: "0.10",
        after: "0.20",
      });
      expect((await recordHistory(db, write.model, two, { id })).entries).toEqual([]);
      expect((await refusal(revertRecord({ ...write, reach: two }, { id }, update.id))).code).toBe(
        "not_found",
      );

      await revertRecord(write, { id }, update.id);
      expect((await read())!.values).toMatchObject({ nick: null, credit: "0.10" });
      expect((await refusal(revertRecord(write, { id }, update.id))).message).toContain(
        "changed since",
      );
      await deleteRecord(write, [id], (await read())!.version);
      const [gone] = await history();
      expect(gone.action).toBe("delete");
      await revertRecord(write, { id }, gone.id);
      expect((await read())!.values).toMatchObject({
        name: `New ${audited}`,
        credit: "0.10",
        organization_id: "1",
      });
    }
  },
);
