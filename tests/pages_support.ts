import { demoPassword, loadDemo } from "../cli/demo/mod.ts";
import { openTestApp, type TestApp } from "./support/app.ts";

/** A browser without scripts: it keeps cookies and says where its requests come from. */
export interface Visitor {
  cookies: Map<string, string>;
  get(path: string, headers?: HeadersInit): Promise<Response>;
  post(path: string, form: Record<string, string>, headers?: HeadersInit): Promise<Response>;
  /** Signs in with the demo's password; resolves to the answer. */
  signIn(username: string, next?: string): Promise<Response>;
}

/** The application with the demo's organizations, users and rows. */
export function openDemoApp(variables?: Record<string, string>): Promise<TestApp> {
  return openTestApp("pglite", loadDemo, variables);
}

export function visitor(app: TestApp): Visitor {
  const cookies = new Map<string, string>();
  const send = async (path: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    if (cookies.size > 0) {
      headers.set("Cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    }
    const response = await app.fetch(path, { ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  const own: Visitor = {
    cookies,
    get: (path, headers) => send(path, { headers }),
    post: (path, form, headers) =>
      send(path, {
        method: "POST",
        headers: { "Sec-Fetch-Site": "same-origin", ...headers as Record<string, string> },
        body: new URLSearchParams(form),
      }),
    signIn: (username, next = "") => own.post("/login", { username, password: demoPassword, next }),
  };
  return own;
}
