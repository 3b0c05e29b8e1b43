import { pbkdf2Sync } from "node:crypto";
import { expect } from "expect";
import { argon2id } from "hash-wasm";
import * as access from "../lib/access/mod.ts";
import type { Database } from "../lib/db/mod.ts";
import {
  address,
  authenticate,
  codeOf,
  example,
  login,
  password,
  security,
  tokensOf,
} from "./access_support.ts";
import { eachDatabase } from "./support/databases.ts";

eachDatabase(
  "login() refuses all wrong logins alike and upgrades Django's hashes",
  async ({ db }) => {
    const { userId } = await example(db);
    expect(await login(db, " ann ")).toMatchObject({ userId, username: "Ann", isStaff: false });
    const refused = ["Ann", "nobody", "off", "unusable"];
    await access.createUser(db, { username: "off", password }, security);
    await db.execute("UPDATE lockstep.app_user SET is_active = false WHERE username = 'off'");
    await access.createUser(db, { username: "unusable", password: null }, security);
    const errors = await Promise.all(
      refused.map((name) =>
        login(db, name, name === "off" ? password : "wrong").catch((error) => error)
      ),
    );
    expect(new Set(errors.map(({ code, message }) => `${code} ${message}`)).size).toBe(1);
    expect(errors[0].code).toBe("invalid_credentials");

    for (const hash of [django("sha256"), django("sha1"), await djangoArgon2()]) {
      await db.execute("UPDATE lockstep.app_user SET password = $1 WHERE id = $2", [hash, userId]);
      expect(await codeOf(login(db, "Ann", "lockstep-dem0"))).toBe("invalid_credentials");
      await login(db);
      const [{ password: stored }] = await db.query<{ password: string }>(
        "SELECT password FROM lockstep.app_user WHERE id = $1",
        [userId],
      );
      expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      await login(db);
    }
  },
);

function django(digest: "sha256" | "sha1"): string {
  const key = pbkdf2Sync(password, "saltsalt", 1000, digest === "sha1" ? 20 : 32, digest);
  return `pbkdf2_${digest}$1000$saltsalt$${key.toString("base64")}`;
}

async function djangoArgon2(): Promise<string> {
  const hash = await argon2id({
    password,
    salt: "saltsaltsalt",
    memorySize: 1024,
    iterations: 1,
    parallelism: 2,
    hashLength: 32,
    outputType: "encoded",
  });
  return `argon2${hash}`;
}

Deno.test("verifyPassword() runs argon2 also where no hash can match", async () => {
  const ours = await access.hashPassword(password);
  const time = async (hash: string | undefined) => {
    const start = performance.now();
    await access.verifyPassword("wrong password", hash);
    return performance.now() - start;
  };
  // By turns, and of each the quickest: a busy machine makes some of them slow.
  const hashes = [ours, undefined, "!unusable", "md5$salt$hash"];
  const quickest = hashes.map(() => Infinity);
  for (let round = 0; round < 5; round++) {
    for (const [i, hash] of hashes.entries()) {
      quickest[i] = Math.min(quickest[i], await time(hash));
    }
  }
  const [known, ...others] = quickest;
  // Without the decoy these take a thousandth of it.
  for (const other of others) expect(other).toBeGreaterThan(known / 4);
  expect(await access.verifyPassword("", undefined)).toBe(false);
  expect(await access.verifyPassword("x".repeat(1025), await access.hashPassword("x"))).toBe(false);
});

eachDatabase("login() counts attempts at the same time and lets waiting end", async ({ db }) => {
  const { userId } = await example(db);
  const begun = performance.now();
  const attempts = await Promise.all(
    Array.from({ length: 14 }, () => login(db, "ann", "wrong").catch((error) => error)),
  );
  const refused = attempts.filter(({ code }) => code === "too_many_requests");
  // Who comes after a second, or after two more, need not wait any longer.
  const seconds = (performance.now() - begun) / 1000;
  expect(refused.length).toBeLessThanOrEqual(4);
  expect(refused.length).toBeGreaterThanOrEqual(
    Math.max(1, 4 - Math.floor(Math.log2(seconds + 1))),
  );
  expect(Number(refused[0].headers["Retry-After"])).toBeGreaterThan(0);
  // Passwords take their time to verify, and waiting ends after a second: it has not begun yet.
  await age(db, "-1 hour");
  expect(await codeOf(login(db))).toBe("too_many_requests");
  expect(await login(db, "ann", password, "198.51.100.7")).toMatchObject({ userId });
  expect(await codeOf(login(db, "ann", password, "::ffff:192.0.2.1"))).toBe("too_many_requests");

  await age(db, "1 hour 2 seconds");
  await login(db);
  for (let i = 0; i < 10; i++) await login(db, "ann", "wrong").catch(() => {});
  await age(db, "-1 hour");
  expect(await codeOf(login(db))).toBe("too_many_requests");
  await age(db, "1 hour 16 minutes");
  await login(db);
  await age(db, "16 minutes");
  expect(await access.purgeLoginAttempts(db, security)).toBeGreaterThan(10);
  expect(await db.query("SELECT 1 FROM lockstep.login_attempt WHERE NOT succeeded")).toEqual([]);
});

eachDatabase("login() does not lock a user out whom others attack", async ({ db }) => {
  const { userId } = await example(db);
  await login(db, "ann", password, "198.51.100.7");
  await db.execute(
    `INSERT INTO lockstep.login_attempt (username, address, succeeded)
    SELECT 'ann', '203.0.113.' || n, false FROM generate_series(1, 200) AS n`,
  );
  expect(await login(db, "ann", password, "198.51.100.7")).toMatchObject({ userId });
  expect(await login(db, "ann", password, "198.51.100.99")).toMatchObject({ userId });
  // An address that the account does not know has fewer attempts now.
  for (let i = 0; i < 2; i++) await login(db, "ann", "wrong", "198.51.100.8").catch(() => {});
  await age(db, "-1 hour");
  expect(await codeOf(login(db, "ann", "wrong", "198.51.100.8"))).toBe("too_many_requests");

  await db.execute(
    `INSERT INTO lockstep.login_attempt (username, address, succeeded, attempted_at)
    SELECT 'user' || n, '2001:db8:1:2::/64', false, now() + interval '1 hour'
    FROM generate_series(1, 100) AS n`,
  );
  expect(await codeOf(login(db, "ann", password, "2001:db8:1:2::77"))).toBe("too_many_requests");
  expect(await login(db, "ann", password, "2001:db8:1:3::77")).toMatchObject({ userId });
});

eachDatabase("changePassword() ends what was opened with the old one", async ({ db }) => {
  const { userId } = await example(db);
  const { token } = await tokensOf(db);
  const client = { address, userAgent: "" };
  const before = await login(db);
  const kept = await access.createSession(db, before, client, security);
  const other = await access.createSession(db, before, client, security);
  const { sessionId } = (await access.sessionPrincipal(db, kept.token, security))!;
  const change = (current: string, next: string) =>
    access.changePassword(
      db,
      userId,
      { current, password: next, keepSession: sessionId },
      security,
    );
  expect(await codeOf(change("wrong", "a better password"))).toBe("invalid_credentials");
  for (const weak of ["short", "Password123", "1212121212", "x".repeat(1100), "a@x.org"]) {
    expect(await codeOf(change(password, weak))).toBe("invalid_value");
  }
  await change(password, "a better password");
  expect(await codeOf(authenticate(db, token))).toBe("token_revoked");
  expect(await codeOf(access.createSession(db, before, client, security))).toBe("unauthorized");
  expect(await access.sessionPrincipal(db, kept.token, security)).toBeDefined();
  expect(await access.sessionPrincipal(db, other.token, security)).toBeUndefined();
  expect(await codeOf(login(db))).toBe("invalid_credentials");
  expect((await login(db, "ann", "a better password")).userId).toBe(userId);
});

eachDatabase("create functions refuse what is taken or malformed", async ({ db }) => {
  await example(db);
  const ids = await example(db);
  expect(ids.organizations.size).toBe(3);
  expect(ids.groups.size).toBe(7);
  const user = (username: string, email = "") =>
    codeOf(access.createUser(db, { username, password, email }, security));
  expect(await user("ANN")).toBe("duplicate");
  expect(await user("")).toBe("invalid_value");
  expect(await user("a b")).toBe("invalid_value");
  expect(await user("new", "nobody")).toBe("invalid_value");
  expect(await codeOf(access.createOrganization(db, { name: "ACME corporation!" }))).toBe("none");
  expect(await codeOf(access.createOrganization(db, { name: "Acme Corporation" }))).toBe(
    "duplicate",
  );
  expect(await codeOf(access.createOrganization(db, { name: "X", slug: "Ä" }))).toBe(
    "invalid_value",
  );
  expect(await codeOf(access.createOrganization(db, { name: "東京" }))).toBe("invalid_value");
  expect(await codeOf(access.createGroup(db, { name: "Sales" }))).toBe("duplicate");
  expect(await codeOf(access.addMember(db, { userId: 99, organizationId: 1, groupId: 1 })))
    .toBe("not_found");
});

async function age(db: Database, time: string) {
  await db.execute(
    "UPDATE lockstep.login_attempt SET attempted_at = attempted_at - $1::text::interval",
    [time],
  );
}
