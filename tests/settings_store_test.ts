import { expect } from "expect";
import { defaultSettings } from "../lib/config/mod.ts";
import { loadSettings, resetSettings, storedSettings } from "../lib/db/mod.ts";
import { eachDatabase } from "./support/databases.ts";
import { saveSetting } from "./support/settings.ts";

eachDatabase("loadSettings() fills in defaults around what is stored", async ({ db }) => {
  expect(await loadSettings(db)).toEqual(defaultSettings());
  await saveSetting(db, "SYNC", "MAX_DEPTH", 7);
  await saveSetting(db, "COLLABORATION", "CHAT_ONLINE_STATUS_TEXT", "Da 😀");
  await saveSetting(db, "MODELS", "myapp.Customer", { writable: true });
  const settings = await loadSettings(db);
  expect(settings.SYNC).toEqual({ ...defaultSettings().SYNC, MAX_DEPTH: 7 });
  expect(settings.COLLABORATION.CHAT_ONLINE_STATUS_TEXT).toBe("Da 😀");
  expect(settings.MODELS).toEqual({ "myapp.Customer": { writable: true } });
});

/** Section, key, value, and what the refusal says. */
const refused: [section: string, key: string, value: unknown, message: RegExp][] = [
  ["NOPE", "x", 1, /no section NOPE.*MODEL_DISCOVERY/],
  ["__proto__", "x", 1, /no section __proto__/],
  ["SYNC", "NOPE", 1, /no setting SYNC.NOPE.*MAX_DEPTH/],
  ["SYNC", "__proto__", {}, /no setting SYNC.__proto__/],
  ["SYNC", "constructor", 1, /no setting SYNC.constructor/],
  ["SYNC", "MAX_DEPTH", "7", /SYNC.MAX_DEPTH.*number/],
  ["SYNC", "MAX_DEPTH", 1.5, /SYNC.MAX_DEPTH.*whole number/],
  ["SYNC", "MAX_DEPTH", 0, /SYNC.MAX_DEPTH.*at least 4/],
  ["SYNC", "MAX_BATCH_SIZE", 50, /SYNC.DEFAULT_BATCH_SIZE.*MAX_BATCH_SIZE/],
  ["MODELS", "Customer", {}, /named as a model/],
  ["MODELS", "__proto__", {}, /named as a model/],
  ["MODELS", "myapp.Customer", { writeable: true }, /writeable/],
  ["MODEL_DISCOVERY", "EXCLUDE_MODEL_PATTERNS", ["(a+)+"], /exponential/],
  ["MODEL_DISCOVERY", "EXCLUDE_MODEL_PATTERNS", ["("], /valid regular expression/],
  ["MODEL_DISCOVERY", "EXCLUDE_MODELS", ["a\0b"], /NUL/],
  ["COLLABORATION", "EDITOR_MODE_TEXT", "\ud800", /surrogates/],
  ["COLLABORATION", "LEASE_SECONDS", 20, /HEARTBEAT_SECONDS/],
  ["SECURITY", "SESSION_IDLE_MINUTES", 43_200, /SESSION_ABSOLUTE_HOURS/],
];

eachDatabase(
  "saveSetting() refuses what is unknown or not valid, naming the setting",
  async ({ db }) => {
    for (const [section, key, value, message] of refused) {
      await expect(saveSetting(db, section, key, value)).rejects.toMatchObject({
        code: "invalid_value",
        message: expect.stringMatching(message),
        errors: [{ field: expect.stringContaining(section) }],
      });
    }
    expect(await storedSettings(db)).toEqual({});
  },
);

eachDatabase("saveSetting() leaves an unchanged setting untouched", async ({ db }) => {
  const changedAt = () =>
    db.query(
      "SELECT xmin::text, updated_at FROM lockstep.sync_configuration ORDER BY section, key",
    );
  await saveSetting(db, "MODEL_DISCOVERY", "APP_SPECIFIC_EXCLUSIONS", { a: ["X"], b: [] });
  const before = await changedAt();
  await saveSetting(db, "MODEL_DISCOVERY", "APP_SPECIFIC_EXCLUSIONS", { b: [], a: ["X"] });
  expect(await changedAt()).toEqual(before);
});

eachDatabase("loadSettings() refuses a stored value that is not valid", async ({ db }) => {
  await db.script(`INSERT INTO lockstep.sync_configuration VALUES
    ('MODEL_DISCOVERY', 'EXCLUDE_MODELS', '"myapp.Secret"'), ('OLD', 'x', '1'), ('SYNC', 'OLD', '1')`);
  await expect(loadSettings(db)).rejects.toMatchObject({
    code: "invalid_configuration",
    message: expect.stringMatching(/MODEL_DISCOVERY.EXCLUDE_MODELS/),
  });
  await saveSetting(db, "MODEL_DISCOVERY", "EXCLUDE_MODELS", ["myapp.Secret"]);
  expect((await loadSettings(db)).MODEL_DISCOVERY.EXCLUDE_MODELS).toEqual(["myapp.Secret"]);
});

eachDatabase("resetSettings() forgets one setting, a section or all", async ({ db }) => {
  await saveSetting(db, "SYNC", "MAX_DEPTH", 7);
  await saveSetting(db, "SYNC", "MAX_RECORDS", 7);
  await saveSetting(db, "LOGS", "RETENTION_DAYS", 7);
  await saveSetting(db, "CHAT", "RETENTION_DAYS", 7);
  expect(await resetSettings(db, "SYNC", "MAX_DEPTH")).toBe(1);
  expect((await loadSettings(db)).SYNC.MAX_RECORDS).toBe(7);
  expect(await resetSettings(db, "SYNC")).toBe(1);
  expect(await resetSettings(db)).toBe(2);
  await expect(resetSettings(db, "NOPE")).rejects.toMatchObject({ code: "invalid_value" });
});
