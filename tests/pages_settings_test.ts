import { expect } from "expect";
import { signedIn } from "./pages_admin_support.ts";
import { html, sent, versionIn } from "./pages_forms_support.ts";
import { openDemoApp } from "./pages_support.ts";

Deno.test("settings are changed by type, checked, reset, exported, imported and remembered", async () => {
  await using app = await openDemoApp();
  const sam = await signedIn(app, "sam_staff");
  const path = "/admin/settings/SYNC";
  const stored = () =>
    app.db.query("SELECT key, value FROM lockstep.sync_configuration ORDER BY section, key");
  const save = async (form: Record<string, string>, version?: string) =>
    await sent(sam, path, { version: version ?? versionIn(await html(sam, path)), ...form });
  const old = versionIn(await html(sam, path));
  expect(
    (await save({ "v.MAX_RECORDS": "5000", "v.MAX_DEPTH": "32", "has.LOG_REQUEST_DATA": "yes" }))[
      0
    ],
  )
    .toBe(303);
  // What is as it was is left to the default.
  expect(await stored()).toEqual([{ key: "MAX_RECORDS", value: 5000 }]);
  const [stale, , told] = await save({ "v.MAX_RECORDS": "7000" }, old);
  expect([stale, told.includes("Stored now: 5,000.")]).toEqual([412, true]);
  for (
    const [form, words] of [
      [{ "v.MAX_RECORDS": "many" }, "Write a whole number."],
      [{ "v.MAX_RECORDS": "0" }, "SYNC.MAX_RECORDS: Must be at least 1."],
      [{ "v.DEFAULT_BATCH_SIZE": "9999", "v.MAX_BATCH_SIZE": "10" }, "must not be larger than"],
    ] as [Record<string, string>, string][]
  ) {
    const [status, , text] = await save(form);
    expect([words, status, text.includes(words)]).toEqual([words, 400, true]);
  }
  expect((await save({ "has.LOG_REQUEST_DATA": "yes", "v.LOG_REQUEST_DATA": "on" }))[0]).toBe(303);
  expect(await html(sam, "/admin/settings")).toContain("2 settings are not left to the default.");
  expect((await save({ reset: "LOG_REQUEST_DATA" }))[0]).toBe(303);
  const history = await html(sam, "/admin/settings/history");
  expect(history).toContain("SYNC.LOG_REQUEST_DATA");
  expect(history).toContain("the default");

  for (const section of ["MODEL_DISCOVERY", "MODELS", "TENANT", "LOGS", "COLLABORATION", "JOBS"]) {
    await html(sam, `/admin/settings/${section}`);
  }
  const columns = "/admin/settings/TENANT";
  const lines = {
    version: versionIn(await html(sam, columns)),
    "v.TENANT_COLUMNS": "organization_id\r\n\r\norg",
  };
  expect((await sent(sam, columns, lines))[0]).toBe(303);
  const document = await html(sam, "/admin/settings/export");
  expect(JSON.parse(document)).toEqual({
    settings: {
      SYNC: { MAX_RECORDS: 5000 },
      TENANT: { TENANT_COLUMNS: ["organization_id", "org"] },
    },
  });
  expect((await sent(sam, "/admin/settings", {}))[1]).toBe("/admin/settings?ask=reset");
  expect((await sent(sam, "/admin/settings", { confirmed: "yes" }))[1]).toBe(
    "/admin/settings?reset=yes",
  );
  expect(await stored()).toEqual([]);

  const load = (text: string, more = {}) => sent(sam, "/admin/settings/import", { text, ...more });
  for (
    const [text, words] of [
      ["{", "not valid JSON"],
      ["[]", "The document must be"],
      [
        '{"settings":{"SYNC":{"MAX_RECORDS":"x","NOPE":1},"OTHER":{}}}',
        "There is no setting SYNC.NOPE",
      ],
    ]
  ) {
    const [status, , answer] = await load(text, { action: "import" });
    expect([text, status, answer.includes(words)]).toEqual([text, 400, true]);
  }
  expect((await load(document))[2]).toContain("Every setting of the document is valid.");
  expect(await stored()).toEqual([]);
  expect((await load(document, { action: "import" }))[2]).toContain("2 settings changed");
  const only = '{"settings":{"CHAT":{"RETENTION_DAYS":5}}}';
  await load(only, { action: "import", replace: "on" });
  expect(await stored()).toEqual([{ key: "RETENTION_DAYS", value: 5 }]);
});
