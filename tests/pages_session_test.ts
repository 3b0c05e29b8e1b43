import { expect } from "expect";
import { demoPassword } from "../cli/demo/mod.ts";
import { openDemoApp, visitor } from "./pages_support.ts";
import { needsOneProcess } from "./support/app.ts";

const cookieName = "lockstep_session";

Deno.test("POST /login starts a session in an HttpOnly, SameSite=Lax cookie and goes on", async () => {
  await using app = await openDemoApp();
  const sam = visitor(app);
  const answer = await sam.signIn("sam_staff");
  expect([answer.status, answer.headers.get("Location")]).toEqual([303, "/admin"]);
  const [cookie, ...others] = answer.headers.getSetCookie();
  expect(others).toEqual([]);
  expect(cookie.split("; ").slice(1).filter((part) => !part.startsWith("Expires"))).toEqual([
    "Path=/",
    "HttpOnly",
    "SameSite=Lax",
  ]);
  const status = await (await sam.get("/")).text();
  expect(status).toContain("sam_staff");
  expect(status).toContain("Acme Corporation");
  const again = await sam.get("/login?next=/x");
  expect([again.status, again.headers.get("Location")]).toEqual([303, "/x"]);

  const mary = visitor(app);
  expect((await mary.signIn("mary_sales")).headers.get("Location")).toBe("/");
  const page = await (await mary.get("/")).text();
  expect(page).toContain("Global Retail");
  expect(page).not.toContain("Acme Corporation");
  expect(page).not.toContain('href="/admin"');
});

Deno.test("the session cookie is Secure and bound to the host under https", async () => {
  await using app = await openDemoApp({ LOCKSTEP_PUBLIC_URL: "https://sync.example.org" });
  const sam = visitor(app);
  const answer = await sam.signIn("sam_staff");
  const [cookie] = answer.headers.getSetCookie();
  expect(cookie).toMatch(/^__Host-lockstep_session=/);
  expect(cookie.split("; ")).toContain("Secure");
  expect(answer.headers.get("Strict-Transport-Security")).toBe("max-age=31536000");
  expect(await (await sam.get("/")).text()).toContain("sam_staff");
  expect(await (await sam.get("/")).text()).toContain("https://sync.example.org/api/sync/");
});

Deno.test("POST /login names what is wrong beside the field, alike for every reason", async () => {
  await using app = await openDemoApp();
  const someone = visitor(app);
  const empty = await someone.post("/login", { username: " ", password: "" });
  expect(empty.status).toBe(422);
  const text = await empty.text();
  expect(text).toContain('id="field-username-error"');
  expect(text).toContain('id="field-password-error"');

  await app.db.query("UPDATE lockstep.app_user SET is_active = false WHERE username = $1", [
    "bob_analyst",
  ]);
  const answers: string[] = [];
  for (
    const [username, password] of [
      ["nobody_here", demoPassword],
      ["mary_sales", "wrong password"],
      ["bob_analyst", demoPassword],
    ]
  ) {
    const answer = await someone.post("/login", { username, password });
    expect([username, answer.status, answer.headers.getSetCookie()]).toEqual([username, 422, []]);
    const page = await answer.text();
    expect(page).toContain(`value="${username}"`);
    expect(page).not.toContain("wrong password");
    answers.push(
      page.replaceAll(username, "").replaceAll(/nonce="\w+"/g, "")
        .replaceAll(/\w{32}/g, ""),
    );
  }
  expect(answers[0]).toContain("No active user has this username and password.");
  expect(new Set(answers).size).toBe(1);
});

Deno.test("POST /login answers 429 with Retry-After and its sentence past the limit", async () => {
  await using app = await openDemoApp();
  await app.db.query(
    `INSERT INTO lockstep.sync_configuration (section, key, value)
    VALUES ('SECURITY', 'LOGIN_ATTEMPTS_PER_ACCOUNT', '1')`,
  );
  const someone = visitor(app);
  const form = { username: "mary_sales", password: "wrong" };
  let answer = await someone.post("/login", form);
  // Each refusal that is verified doubles the wait; the first may be over already.
  for (let i = 0; i < 5 && answer.status === 422; i++) answer = await someone.post("/login", form);
  expect(answer.status).toBe(429);
  const seconds = answer.headers.get("Retry-After");
  expect(await answer.text()).toContain(`Try again in ${seconds} seconds.`);
});

Deno.test("POST /login goes to pages of this site alone", async () => {
  await using app = await openDemoApp();
  for (
    const [next, location] of [
      ["/admin/logs?status=ERROR", "/admin/logs?status=ERROR"],
      ["//evil.example", "/admin"],
      ["/\\evil.example", "/admin"],
      ["\\\\evil.example", "/admin"],
      ["https://evil.example/", "/admin"],
      ["https:evil.example", "/admin"],
      ["javascript:alert(1)", "/admin"],
      ["/.//evil.example", "/admin"],
      ["/\t/evil.example", "/admin"],
      ["%2F%2Fevil.example", "/admin"],
      ["/%2F%2Fevil.example", "/%2F%2Fevil.example"],
      ["/login?next=/login", "/admin"],
      ["/logout", "/admin"],
    ]
  ) {
    const form = await (await visitor(app).get(`/login?next=${encodeURIComponent(next)}`)).text();
    expect(form).not.toMatch(/name="next" value="(?:https?:|javascript:|\/\/|\/\\|\\)/);
    const answer = await visitor(app).signIn("sam_staff", next);
    expect([next, answer.headers.get("Location")]).toEqual([next, location]);
  }
});

Deno.test("a form of another site is refused, signing in and out included", async () => {
  await using app = await openDemoApp();
  const sam = visitor(app);
  await sam.signIn("sam_staff");
  const form = { username: "mary_sales", password: demoPassword };
  for (
    const headers of <Record<string, string>[]> [
      { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" },
      { "Sec-Fetch-Site": "same-site", Origin: "http://other.localhost" },
      { "Sec-Fetch-Site": "cross-site" },
    ]
  ) {
    for (const path of ["/login", "/logout"]) {
      const answer = await sam.post(path, form, headers);
      expect([path, answer.status, answer.headers.getSetCookie()]).toEqual([path, 403, []]);
      expect(await answer.text()).toContain("another site");
    }
  }
  // A browser without Sec-Fetch-Site, as on plain http.
  for (const [origin, status] of [["http://evil.example", 403], ["null", 403]] as const) {
    const answer = await app.fetch("/login", {
      method: "POST",
      headers: { Origin: origin },
      body: new URLSearchParams(form),
    });
    expect([origin, answer.status]).toEqual([origin, status]);
  }
  const own = await app.fetch("/login", {
    method: "POST",
    headers: { Origin: app.origin },
    body: new URLSearchParams(form),
  });
  expect(own.status).toBe(303);
  expect(await (await sam.get("/")).text()).toContain("sam_staff");
});

Deno.test("POST /logout ends the session on the server; GET does not", async () => {
  await using app = await openDemoApp();
  const sam = visitor(app);
  await sam.signIn("sam_staff");
  const stolen = visitor(app);
  stolen.cookies.set(cookieName, sam.cookies.get(cookieName)!);
  expect((await sam.get("/logout")).status).toBe(405);
  expect(await (await stolen.get("/")).text()).toContain("sam_staff");

  const answer = await sam.post("/logout", {});
  expect([answer.status, answer.headers.get("Location")]).toEqual([303, "/login"]);
  expect(answer.headers.getSetCookie()[0]).toMatch(/^lockstep_session=;.*Expires=Thu, 01 Jan 1970/);
  const page = await stolen.get("/");
  expect(await page.text()).not.toContain("sam_staff");
  expect(stolen.cookies.has(cookieName)).toBe(false);
});

Deno.test("a session ends by idleness, by age, by revocation and with its user", async () => {
  await using app = await openDemoApp();
  for (
    const statement of [
      "UPDATE lockstep.session SET last_seen_at = now() - interval '13 hours'",
      "UPDATE lockstep.session SET expires_at = now()",
      "DELETE FROM lockstep.session",
      "UPDATE lockstep.app_user SET is_active = false WHERE username = 'sam_staff'",
    ]
  ) {
    const sam = visitor(app);
    await sam.signIn("sam_staff");
    expect(await (await sam.get("/")).text()).toContain("sam_staff");
    await app.db.script(statement);
    const page = await (await sam.get("/")).text();
    expect([statement, page.includes("sam_staff")]).toEqual([statement, false]);
  }
});

Deno.test("POST /login of somebody signed in ends the session that it replaces", async () => {
  await using app = await openDemoApp();
  const browser = visitor(app);
  await browser.signIn("mary_sales");
  await browser.signIn("sam_staff");
  const sessions = await app.db.query(
    `SELECT u.username FROM lockstep.session s JOIN lockstep.app_user u ON u.id = s.user_id`,
  );
  expect(sessions).toEqual([{ username: "sam_staff" }]);
});

Deno.test({
  name: "https counts where a trusted proxy says so, and nowhere else",
  ignore: needsOneProcess("the proxy of two processes is trusted from the start"),
  async fn() {
    await using app = await openDemoApp();
    const headers = { "X-Forwarded-Proto": "https", "X-Forwarded-Host": "sync.example.org" };
    const form = { username: "sam_staff", password: demoPassword };
    const plain = await visitor(app).post("/login", form, headers);
    expect(plain.headers.getSetCookie()[0]).not.toContain("Secure");
    expect(plain.headers.has("Strict-Transport-Security")).toBe(false);

    Object.assign(app.running.services, { trusts: () => true });
    const secure = await visitor(app).post("/login", form, headers);
    expect(secure.headers.getSetCookie()[0]).toMatch(/^__Host-.*; Secure/);
    expect(secure.headers.get("Strict-Transport-Security")).toBe("max-age=31536000");
    // Without Sec-Fetch-Site it is the proxy's name that the form's origin is compared with.
    for (
      const [origin, status] of [["https://sync.example.org", 303], [
        "http://localhost",
        403,
      ]] as const
    ) {
      const answer = await app.fetch("/login", {
        method: "POST",
        headers: { ...headers, Origin: origin },
        body: new URLSearchParams(form),
      });
      expect([origin, answer.status]).toEqual([origin, status]);
    }
  },
});
