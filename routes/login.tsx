import { page } from "fresh";
import ThemeSwitch from "../islands/ThemeSwitch.tsx";
import { createSession, login, membershipsOf, revokeSession } from "../lib/access/mod.ts";
import { LockstepError } from "../lib/errors/mod.ts";
import { Alert, Field, PublicFrame } from "../lib/ui/mod.ts";
import { define, localPath, readForm, sessionCookie, startPage } from "../lib/web/mod.ts";

interface SignIn {
  next: string;
  username: string;
  errors: { username?: string; password?: string };
  /** Why nobody can sign in at the moment. */
  refusal?: string;
}

export const handler = define.handlers({
  async GET(ctx) {
    const { user, services } = ctx.state;
    const next = nextOf(ctx.url.searchParams.get("next"));
    if (user) {
      return ctx.redirect(next || startPage(user, await membershipsOf(services.db, user)), 303);
    }
    ctx.state.title = "Sign in";
    return page<SignIn>({ next, username: "", errors: {} }, { headers: noStore });
  },

  async POST(ctx) {
    const { services, address, user } = ctx.state;
    const form = await readForm(ctx.req);
    const next = nextOf(form.get("next"));
    const username = form.get("username") ?? "";
    const password = form.get("password") ?? "";
    ctx.state.title = "Sign in";
    const again = (status: number, wrong: Partial<SignIn>, headers: HeadersInit = {}) =>
      page<SignIn>({ next, username: username.slice(0, 150), errors: {}, ...wrong }, {
        status,
        headers: { ...noStore, ...headers },
      });

    const errors = {
      ...(username.trim() === "" && { username: "Enter your username." }),
      ...(password === "" && { password: "Enter your password." }),
    };
    if (Object.keys(errors).length > 0) return again(422, { errors });
    const { SECURITY } = await services.settings.current();
    try {
      const principal = await login(services.db, { username, password, address }, SECURITY);
      const userAgent = ctx.req.headers.get("User-Agent") ?? "";
      const client = { address, userAgent };
      const { token, expiresAt } = await createSession(services.db, principal, client, SECURITY);
      if (user?.sessionId) await revokeSession(services.db, user.userId, user.sessionId);
      const start = startPage(principal, await membershipsOf(services.db, principal));
      const response = ctx.redirect(next || start, 303);
      response.headers.set("Set-Cookie", sessionCookie(ctx, token, expiresAt));
      response.headers.set("Cache-Control", "no-store");
      return response;
    } catch (error) {
      if (!(error instanceof LockstepError)) throw error;
      if (error.code === "too_many_requests") {
        return again(429, { refusal: error.message }, error.headers);
      }
      if (error.code !== "invalid_credentials") throw error;
      return again(422, { errors: { password: error.message } });
    }
  },
});

const noStore = { "Cache-Control": "no-store" };

/** Where to go after signing in, if the address asks for a page of this site; else empty. */
function nextOf(given: string | null): string {
  const path = localPath(given) ?? "";
  return /^\/log(?:in|out)(?![\w-])/.test(path) ? "" : path;
}

export default define.page<typeof handler>(function Login({ data }) {
  const { next, username, errors, refusal } = data;
  return (
    <PublicFrame topbarEnd={<ThemeSwitch />}>
      <div class="sign-in">
        <h1>Sign in</h1>
        {refusal !== undefined && <Alert kind="warning">{refusal}</Alert>}
        <form method="post" action="/login">
          <input type="hidden" name="next" value={next} />
          <Field
            name="username"
            label="Username"
            value={username}
            error={errors.username}
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            maxLength={150}
            autofocus={username === ""}
            required
          />
          <Field
            name="password"
            label="Password"
            type="password"
            error={errors.password}
            autocomplete="current-password"
            maxLength={10_000}
            autofocus={username !== ""}
            required
          />
          <button type="submit" class="btn btn-primary w-100">Sign in</button>
        </form>
      </div>
    </PublicFrame>
  );
});
