import { expect } from "expect";
import { LockstepError } from "../errors/mod.ts";
import { problem, publicError } from "./problem.ts";

const sqlError = (code: string) =>
  Object.assign(new Error("relation app.secret is in the way"), { code, severity: "ERROR" });

Deno.test("publicError() says that the database is away, and nothing of other errors", () => {
  const lost = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1"), { code: "ECONNREFUSED" });
  for (
    const error of [
      lost,
      ...["08006", "53300", "57P01", "57P03", "57014", "55P03", "40P01"].map(sqlError),
    ]
  ) {
    expect(publicError(error)).toMatchObject({ code: "unavailable", status: 503 });
  }
  for (
    const error of [
      sqlError("42P01"),
      sqlError("22P02"),
      new TypeError("secret"),
      "secret",
      undefined,
    ]
  ) {
    const shown = publicError(error);
    expect([shown.code, shown.status]).toEqual(["internal_error", 500]);
    expect(shown.message).not.toMatch(/secret/);
  }
});

Deno.test("problem() gives 503 a Retry-After, 401 a WWW-Authenticate, and every answer its form", async () => {
  const answer = problem(publicError(sqlError("57P03")), "id-1");
  expect(answer.headers.get("Retry-After")).toBe("1");
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  expect(await answer.json()).toEqual({
    type: "urn:lockstep:problem:unavailable",
    title: "Service unavailable",
    status: 503,
    detail: "The database is busy or away. Try again shortly.",
    code: "unavailable",
    request_id: "id-1",
  });
  const refused = problem(new LockstepError("token_expired", "Sign in again."), "id-2");
  expect(refused.headers.get("WWW-Authenticate")).toBe(`Bearer error="token_expired"`);
  const later = new LockstepError("unavailable", "Later.", { headers: { "Retry-After": "7" } });
  expect(problem(later, "").headers.get("Retry-After")).toBe("7");
});
