import { expect } from "expect";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import * as access from "../lib/access/mod.ts";
import {
  address,
  authenticate,
  codeOf,
  example,
  keys,
  login,
  password,
  secret,
  security,
  tokensOf,
} from "./access_support.ts";
import { eachDatabase } from "./support/databases.ts";

eachDatabase("tokenResponse() has the wire's fields and binds an organization", async ({ db }) => {
  const { userId, organizations, groups } = await example(db);
  const answer = await tokensOf(db);
  const acme = organizations.get("acme-corp")!;
  expect(answer).toEqual({
    token: expect.any(String),
    user: { id: userId, username: "Ann", email: "a@x.org" },
    organizations: [{
      id: acme,
      name: "Acme Corporation",
      slug: "acme-corp",
      group: "Managers",
      groups: ["Managers"],
    }],
    refresh_token: expect.any(String),
    expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/),
  });
  const ann = await authenticate(db, answer.token);
  expect(ann).toMatchObject({ userId, username: "Ann", expiresAt: new Date(answer.expires_at) });
  expect((await access.resolveMembership(db, ann, undefined)).groups)
    .toEqual([{ id: groups.get("Managers"), name: "Managers" }]);

  for (const slug of ["global-retail", "closed", "none", ""]) {
    const asked = access.tokenResponse(db, keys, ann, { organization: slug }, security);
    expect(await codeOf(asked)).toBe("permission_denied");
  }
  const second = { userId, organizationId: organizations.get("global-retail")! };
  await access.addMember(db, { ...second, groupId: groups.get("Sales")! });
  await access.addMember(db, { ...second, groupId: groups.get("Users")! });
  const several = await access.resolveMembership(db, ann, undefined).catch((error) => error);
  expect(several.code).toBe("organization_required");
  expect(several.extra).toEqual({ organizations: ["acme-corp", "global-retail"] });
  const bound = await access.tokenResponse(
    db,
    keys,
    ann,
    { organization: "global-retail" },
    security,
  );
  expect(bound.organizations[1]).toMatchObject({ group: "Sales", groups: ["Sales", "Users"] });
  const principal = await authenticate(db, bound.token);
  expect((await access.resolveMembership(db, principal, undefined)).organization.slug)
    .toBe("global-retail");

  await db.execute("UPDATE lockstep.user_organization SET is_active = false");
  expect(await codeOf(access.resolveMembership(db, ann, "acme-corp"))).toBe("permission_denied");
  expect(await codeOf(access.resolveMembership(db, ann, undefined))).toBe("permission_denied");
  await db.execute("UPDATE lockstep.app_user SET is_superuser = true");
  const root = await access.tokenResponse(db, keys, await login(db), {}, security);
  expect(root.organizations.map(({ slug, group }) => `${slug} ${group}`))
    .toEqual(["acme-corp Administrators", "global-retail Administrators"]);
});

const encode = (text: string) => new TextEncoder().encode(text);
const now = () => Math.floor(Date.now() / 1000);

/** A token like ours for user 1, but for what is changed. */
async function forge(
  claims: Record<string, unknown>,
  header: { alg: string; kid?: string } = { alg: "HS256", kid: "a" },
  key: CryptoKey | Uint8Array = encode(secret),
): Promise<string> {
  return await new SignJWT({ ...rightClaims(), ...claims }).setProtectedHeader(header).sign(key);
}

function rightClaims() {
  return {
    iss: "lockstep",
    aud: "lockstep-sync",
    sub: "1",
    jti: crypto.randomUUID(),
    gen: 0,
    iat: now(),
    exp: now() + 3600,
  };
}

eachDatabase("authenticate() refuses every token that is not exactly ours", async ({ db }) => {
  const { userId } = await example(db);
  expect(userId).toBe(1);
  const { token } = await tokensOf(db);
  for (const right of [token, await forge({}), await forge({ exp: now() - 10 })]) {
    expect((await authenticate(db, right)).userId).toBe(userId);
  }
  const [head, body, signature] = token.split(".");
  const { privateKey } = await generateKeyPair("RS256");
  const bad: Record<string, string> = {
    empty: "",
    garbage: "a.b.c",
    "too long": "x".repeat(9000),
    tampered: [head, body.replace(/^./, (first) => first === "e" ? "f" : "e"), signature].join("."),
    unsigned: `${head}.${body}.`,
    none: new UnsecuredJWT(rightClaims()).encode(),
    "other key": await forge({}, undefined, encode("another secret of thirty-two characters")),
    "other kid": await forge({}, { alg: "HS256", kid: "b" }),
    "no kid": await forge({}, { alg: "HS256" }),
    HS512: await forge({}, { alg: "HS512", kid: "a" }),
    RS256: await forge({}, { alg: "RS256", kid: "a" }, privateKey),
    issuer: await forge({ iss: "other" }),
    audience: await forge({ aud: "other" }),
    "no expiry": await forge({ exp: undefined }),
    "not yet": await forge({ nbf: now() + 60 }),
    subject: await forge({ sub: "1 OR 1=1" }),
    jti: await forge({ jti: "x" }),
    family: await forge({ fam: "},{" }),
  };
  for (const [name, forged] of Object.entries(bad)) {
    expect(`${name}: ${await codeOf(authenticate(db, forged))}`).toBe(`${name}: unauthorized`);
  }
  expect(await codeOf(authenticate(db, await forge({ exp: now() - 40 })))).toBe("token_expired");
  expect(await codeOf(authenticate(db, await forge({ gen: 1 })))).toBe("token_revoked");
  expect(await codeOf(authenticate(db, await forge({ sub: "999999" })))).toBe("token_revoked");

  const next = { kid: "b", secret: "the next secret, also long enough for it" };
  const both = new access.TokenKeys([next, { kid: "a", secret }]);
  expect((await authenticate(db, token, { keys: both })).userId).toBe(userId);
  const removed = new access.TokenKeys([next]);
  expect(await codeOf(authenticate(db, token, { keys: removed }))).toBe("unauthorized");
});

eachDatabase(
  "authenticate() takes an outside issuer's tokens by its published keys",
  async ({ db }) => {
    const { userId } = await example(db);
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    const published = [
      { ...await exportJWK(publicKey), kid: "out", alg: "ES256" },
      { kty: "oct", k: btoa(secret), kid: "shared", alg: "HS256" },
    ];
    let status = 200;
    await using server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      () => Response.json({ keys: published }, { status }),
    );
    const iss = "https://sso.example.org";
    const issuers = (claim: string) => ({
      keys,
      outside: new access.OutsideIssuer({
        url: `http://127.0.0.1:${server.addr.port}/keys`,
        issuer: iss,
        audience: "our-server",
        claim,
      }),
    });
    const byName = issuers("preferred_username");
    const sign = (claims: Record<string, unknown>) =>
      forge(
        { iss, aud: "our-server", jti: "any text", preferred_username: "ann", ...claims },
        { alg: "ES256", kid: "out" },
        privateKey,
      );
    expect(await authenticate(db, await sign({}), byName)).toMatchObject({
      userId,
      username: "Ann",
    });
    const { token } = await tokensOf(db);
    expect((await authenticate(db, token, byName)).userId).toBe(userId);

    const bad = {
      audience: await sign({ aud: "lockstep-sync" }),
      "our issuer by its key": await sign({ iss: "lockstep", aud: "lockstep-sync" }),
      "unknown user": await sign({ preferred_username: "nobody" }),
      "no claim": await sign({ preferred_username: undefined }),
      "its issuer by our key": await forge({ iss, aud: "our-server", preferred_username: "ann" }),
      "published secret": await forge(
        { iss, aud: "our-server", preferred_username: "ann" },
        { alg: "HS256", kid: "shared" },
      ),
      "unknown kid": await forge(
        { iss, aud: "our-server", preferred_username: "ann" },
        { alg: "ES256", kid: "gone" },
        privateKey,
      ),
    };
    for (const [name, token] of Object.entries(bad)) {
      expect(`${name}: ${await codeOf(authenticate(db, token, byName))}`)
        .toBe(`${name}: unauthorized`);
    }
    const byEmail = issuers("email");
    expect((await authenticate(db, await sign({ email: "A@x.org" }), byEmail)).userId).toBe(userId);
    const unverified = await sign({ email: "a@x.org", email_verified: false });
    expect(await codeOf(authenticate(db, unverified, byEmail))).toBe("unauthorized");
    await access.createUser(db, { username: "ann2", password, email: "a@X.org" }, security);
    const ambiguous = await sign({ email: "a@x.org" });
    expect(await codeOf(authenticate(db, ambiguous, byEmail))).toBe("unauthorized");

    const principal = await authenticate(db, await sign({}), byName);
    await access.revokeToken(db, principal, security);
    expect(await codeOf(authenticate(db, await sign({}), byName))).toBe("token_revoked");
    status = 500;
    expect(await codeOf(authenticate(db, await sign({}), issuers("preferred_username"))))
      .toBe("unavailable");
  },
);

eachDatabase(
  "revokeToken() and revokeAllTokens() hold from the next request on",
  async ({ db }) => {
    const { userId } = await example(db);
    const [first, second] = [await tokensOf(db), await tokensOf(db)];
    const principal = await authenticate(db, first.token);
    expect(await access.isStillValid(db, principal)).toBe(true);
    await access.revokeToken(db, principal, security);
    expect(await access.isStillValid(db, principal)).toBe(false);
    expect(await codeOf(authenticate(db, first.token))).toBe("token_revoked");
    expect(await codeOf(access.refreshTokens(db, keys, first.refresh_token, security)))
      .toBe("token_revoked");

    const other = await authenticate(db, second.token);
    expect((await access.listTokens(db, userId)).map(({ family }) => family))
      .toEqual([other.tokenFamily]);
    await db.transaction({}, (tx) => access.revokeAllTokens(tx, userId));
    expect(await access.isStillValid(db, other)).toBe(false);
    expect(await codeOf(authenticate(db, second.token))).toBe("token_revoked");
    expect(await codeOf(access.refreshTokens(db, keys, second.refresh_token, security)))
      .toBe("token_revoked");
    expect(await codeOf(access.tokenResponse(db, keys, other, {}, security))).toBe("unauthorized");

    const third = await authenticate(db, (await tokensOf(db)).token);
    await db.execute("UPDATE lockstep.app_user SET is_active = false");
    expect(await access.isStillValid(db, third)).toBe(false);
    await db.execute("UPDATE lockstep.refresh_token SET expires_at = now() - interval '1 day'");
    expect(await access.purgeTokens(db, security)).toBe(3);
  },
);

eachDatabase("refreshTokens() rotates, and a copy that is used ends the family", async ({ db }) => {
  await example(db);
  const refresh = (token: string) => access.refreshTokens(db, keys, token, security);
  const first = await access.tokenResponse(
    db,
    keys,
    await login(db),
    { organization: "acme-corp", device: "till" },
    security,
  );
  const second = await refresh(first.refresh_token);
  const { organizationId } = await authenticate(db, second.token);
  expect(organizationId).toBe(first.organizations[0].id);
  const third = await refresh(second.refresh_token);
  // The first token comes back although its successor is in use: somebody has a copy.
  expect(await codeOf(refresh(first.refresh_token))).toBe("token_revoked");
  expect(await codeOf(refresh(third.refresh_token))).toBe("token_revoked");
  for (const { token } of [first, second, third]) {
    expect(await codeOf(authenticate(db, token))).toBe("token_revoked");
  }
  expect(await codeOf(refresh("unknown"))).toBe("unauthorized");

  const expired = await tokensOf(db);
  await db.execute("UPDATE lockstep.refresh_token SET expires_at = now() - interval '1 second'");
  expect(await codeOf(refresh(expired.refresh_token))).toBe("token_expired");
});

eachDatabase(
  "refreshTokens() answers a lost answer again, and keeps one living token",
  async ({ db }) => {
    await example(db);
    const refresh = (token: string) => access.refreshTokens(db, keys, token, security);
    const living = async () =>
      (await db.query(
        "SELECT 1 FROM lockstep.refresh_token WHERE used_at IS NULL AND revoked_at IS NULL",
      ))
        .length;
    const first = await tokensOf(db);
    const answers = await Promise.all([1, 2, 3].map(() => refresh(first.refresh_token)));
    expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(3);
    expect(await living()).toBe(1);
    const again = await refresh(first.refresh_token);
    expect(await living()).toBe(1);
    const next = await refresh(again.refresh_token);
    await refresh(next.refresh_token);
    expect(await codeOf(refresh(answers[0].refresh_token))).toBe("token_revoked");
    expect(await living()).toBe(0);

    const late = await tokensOf(db);
    await refresh(late.refresh_token);
    await db.execute("UPDATE lockstep.refresh_token SET used_at = used_at - interval '11 seconds'");
    expect(await codeOf(refresh(late.refresh_token))).toBe("token_revoked");
    expect(await living()).toBe(0);
  },
);

eachDatabase("sessionPrincipal() ends idle, old and revoked sessions", async ({ db }) => {
  const { userId } = await example(db);
  const client = { address, userAgent: "test" };
  const open = async () =>
    (await access.createSession(db, await login(db), client, security)).token;
  const principal = (token: string) => access.sessionPrincipal(db, token, security);
  const set = (sql: string) => db.execute(`UPDATE lockstep.session SET ${sql}`);
  const token = await open();
  const ann = (await principal(token))!;
  expect(ann).toMatchObject({ userId, sessionId: expect.any(String) });
  expect(await principal("other")).toBeUndefined();

  await set("last_seen_at = now() - interval '30 seconds'");
  const [before] = await access.listSessions(db, userId, security);
  await principal(token);
  expect(await access.listSessions(db, userId, security)).toEqual([before]);
  await set("last_seen_at = now() - interval '11 hours'");
  await principal(token);
  const [seen] = await access.listSessions(db, userId, security);
  expect(seen.lastSeenAt.getTime()).toBeGreaterThan(before.lastSeenAt.getTime());
  await set("last_seen_at = now() - interval '13 hours'");
  expect(await principal(token)).toBeUndefined();
  await set("last_seen_at = now(), expires_at = now()");
  expect(await principal(token)).toBeUndefined();
  expect(await access.purgeSessions(db, security)).toBe(1);
  expect(await access.isStillValid(db, ann)).toBe(false);

  const [one, two] = [await open(), await open()];
  const { sessionId } = (await principal(one))!;
  expect(await access.revokeSession(db, userId + 1, sessionId!)).toBe(false);
  expect(await access.revokeSession(db, userId, sessionId!)).toBe(true);
  expect(await principal(one)).toBeUndefined();
  expect(await principal(two)).toBeDefined();
});
