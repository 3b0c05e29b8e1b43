import { expect } from "expect";
import { ids, type Json, json, testAdmin, told, valueOf } from "./admin_api_world.ts";

testAdmin(
  "settings are checked together, exported, imported, reset, and keep their history",
  async (world) => {
    const ask = (method: string, path: string, body?: unknown, headers = {}) =>
      json(world.send("staff", method, `/api/admin/settings${path}`, body, headers));
    const section = await ask("GET", "/SYNC");
    expect([section.stored, section.version]).toEqual([[], "none"]);
    // Valid together only: the batch size of a request that names none is above the old maximum.
    const both = { DEFAULT_BATCH_SIZE: 50, MAX_BATCH_SIZE: 50 };
    const saved = await ask("PATCH", "/SYNC", both, { "If-Match": '"none"' });
    expect(saved.current).toMatchObject(both);
    expect(saved.stored).toEqual(["DEFAULT_BATCH_SIZE", "MAX_BATCH_SIZE"]);
    expect((await ask("PATCH", "/SYNC", both, { "If-Match": '"none"' })).code)
      .toBe("precondition_failed");
    const higher = await ask("PATCH", "/SYNC", { DEFAULT_BATCH_SIZE: 60 });
    expect([higher.code, higher.errors[0].field]).toEqual([
      "invalid_value",
      "SYNC.DEFAULT_BATCH_SIZE",
    ]);
    expect((await ask("PATCH", "/SYNC", { NOTHING: 1 })).errors[0]).toMatchObject({
      field: "SYNC.NOTHING",
      code: "unknown_field",
    });
    expect((await ask("PATCH", "/NOTHING", {})).code).toBe("not_found");

    const exported = await ask("GET", "/export");
    expect(exported).toEqual({ settings: { SYNC: both } });
    expect(await ask("POST", "/import", exported)).toEqual({ changes: [], warnings: [] });
    const other = { settings: { LOGS: { RETENTION_DAYS: 7 } }, replace: true };
    const imported = await ask("POST", "/import", other);
    expect(imported.changes).toEqual([
      { section: "LOGS", key: "RETENTION_DAYS", after: 7 },
      { section: "SYNC", key: "DEFAULT_BATCH_SIZE", before: 50 },
      { section: "SYNC", key: "MAX_BATCH_SIZE", before: 50 },
    ]);
    expect(await ask("GET", "/export")).toEqual({ settings: other.settings });
    const invalid = { settings: { LOGS: { RETENTION_DAYS: 0 }, NOTHING: {} } };
    const checked = await ask("POST", "/validate", invalid);
    expect([checked.valid, checked.errors.map(({ field }: Json) => field)])
      .toEqual([false, ["LOGS.RETENTION_DAYS", "NOTHING"]]);
    expect((await ask("POST", "/import", invalid)).errors.length).toBe(2);

    const history = await ask("GET", "/history?section=LOGS&key=RETENTION_DAYS");
    expect(history.items.map(({ action, actor }: Json) => [action, actor])).toEqual([
      ["create", "sam"],
    ]);
    expect((await ask("GET", "/history?section=LOGS")).code).toBe("required");
    expect(await ask("POST", "/reset")).toEqual({ reset: 1 });
    expect(await ask("GET", "/export")).toEqual({ settings: {} });
  },
  true,
);

testAdmin(
  "the audit of a model is switched on and off, and its events obey the reader",
  async (world) => {
    const model = await world.send("staff", "GET", "/api/admin/models/app.Note");
    const on = await world.send("staff", "PATCH", "/api/admin/models/app.Note", { audit: true }, {
      "If-Match": model.headers.get("ETag")!,
    });
    expect((await on.json()).audit).toBe(true);
    await world.db.query("UPDATE app.note SET amount = amount + 1");
    const search = async (caller: "staff" | "administrator") =>
      (await json(world.send(caller, "GET", "/api/admin/audit?model=app.note"))).items;
    expect((await search("staff")).length).toBe(4);
    // To administer the organization does not include its rows.
    expect((await search("administrator")).length).toBe(0);
    await world.send("staff", "PUT", "/api/admin/permissions", {
      items: [{
        organization_id: ids.one,
        group_id: ids.administrators,
        model: "app.Note",
        push: false,
        pull: true,
        filters: { department: "SALES" },
      }],
    });
    const seen = await search("administrator");
    expect(seen.map(({ after }: Json) => after.department)).toEqual(["SALES", "SALES"]);
    expect(seen[0].changes).toMatchObject([{ field: "amount", before: "50", after: "51" }]);
    const denied = await told(
      world.send("administrator", "POST", `/api/admin/audit/${seen[0].id}/revert`),
    );
    expect(denied).toEqual([403, "permission_denied"]);
    const reverted = await json(
      world.send("staff", "POST", `/api/admin/audit/${seen[0].id}/revert`),
    );
    const event = await json(world.send("staff", "GET", `/api/admin/audit/${reverted.event_id}`));
    expect(event).toMatchObject({ actor: "sam", source: "api", reverts_id: seen[0].id });
    const again = await told(world.send("staff", "POST", `/api/admin/audit/${seen[0].id}/revert`));
    expect(again).toEqual([409, "conflict"]);
    const off = await world.send("staff", "PATCH", "/api/admin/models/app.Note", { audit: null });
    expect((await off.json()).audit).toBe(false);
    const count = (await search("staff")).length;
    await world.db.query("UPDATE app.note SET amount = amount + 1");
    expect((await search("staff")).length).toBe(count);
    // A setting that is imported takes effect as well.
    await world.send("staff", "POST", "/api/admin/settings/import", {
      settings: { MODELS: { "app.Note": { audit: true } } },
    });
    await world.db.query("UPDATE app.note SET amount = amount + 1");
    expect((await search("staff")).length).toBe(count + 4);
  },
  true,
);

testAdmin("discovery previews candidate settings without saving them", async (world) => {
  const preview = (settings: unknown) =>
    json(world.send("staff", "POST", "/api/admin/discovery/preview", { settings }));
  const found = await preview({ MODEL_DISCOVERY: { EXCLUDE_MODELS: ["app.Note"] } });
  expect([found.added, found.removed]).toEqual([[], ["app.Note"]]);
  expect(found.items.find(({ name }: Json) => name === "app.Note")).toMatchObject({
    enabled: false,
    excluded_by: "EXCLUDE_MODELS",
    reason: "EXCLUDE_MODELS names it.",
  });
  expect((await preview({ SYNC: { MAX_DEPTH: 10 } })).code).toBe("invalid_value");
  expect((await preview({ MODEL_DISCOVERY: { EXCLUDE_MODEL_PATTERNS: ["("] } })).code)
    .toBe("invalid_value");
  expect(await valueOf(world.db, "SELECT count(*) FROM lockstep.sync_configuration")).toBe(0);
});
