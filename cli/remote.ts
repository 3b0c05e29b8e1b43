import { Api, type Transport } from "./api.ts";
import { CliError, exitCode, usage } from "./errors.ts";
import type { Host } from "./host.ts";
import { readLogin, type StoredLogin, writeLogin } from "./login_store.ts";

/** The origin of a server as a person writes it. */
export function serverOrigin(text: string): string {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  if (url && /^https?:$/.test(url.protocol) && url.hostname && !url.username) return url.origin;
  throw usage(`--server is ${JSON.stringify(text)}, but must be like https://sync.example.org.`);
}

/** The API of a server, with the token of LOCKSTEP_TOKEN or the one that `login` kept. */
export function openRemote(host: Host, server: string): Api {
  const given = host.env("LOCKSTEP_TOKEN");
  let login: StoredLogin | undefined;
  const transport: Transport = {
    name: server,
    async send(request) {
      if (!given) login ??= await readLogin(host, server);
      const token = given ?? login?.token;
      if (!token) {
        throw new CliError(
          `Nobody is signed in to ${server}. Run: lockstep login --server ${server}`,
          exitCode.denied,
        );
      }
      // Read once: it is sent again when the token turns out to have expired.
      const body = request.body === null ? undefined : await request.arrayBuffer();
      const send = (token: string) => sendTo(server, request, token, body);
      const response = await send(token);
      if (response.status !== 401 || given || !login) return response;
      const { code } = await response.clone().json().catch(() => ({}));
      if (code !== "token_expired") return response;
      login = await refresh(host, server, login);
      await response.body?.cancel();
      return await send(login.token);
    },
    close: () => Promise.resolve(),
  };
  return new Api(transport);
}

async function sendTo(
  server: string,
  { url, method, headers }: Request,
  token: string | undefined,
  body?: BodyInit,
): Promise<Response> {
  const { pathname, search } = new URL(url);
  const sent = new Headers(headers);
  if (token) sent.set("Authorization", `Bearer ${token}`);
  const response = await fetch(`${server}${pathname}${search}`, {
    method,
    headers: sent,
    body,
    // Followed to another origin, it would carry nobody's token, and a body to nowhere.
    redirect: "manual",
  }).catch((cause) => {
    throw new CliError(
      `${server} cannot be reached. Check the address, and that the server runs.`,
      exitCode.unreachable,
      cause,
    );
  });
  const location = URL.parse(response.headers.get("Location") ?? "", server);
  if (response.status < 300 || response.status >= 400 || !location) return response;
  await response.body?.cancel();
  throw new CliError(
    `${server} redirects to ${location.origin}. If that is the server, name it: --server ` +
      location.origin,
    exitCode.unreachable,
  );
}

async function refresh(host: Host, server: string, login: StoredLogin): Promise<StoredLogin> {
  const response = await sendTo(
    server,
    new Request("http://lockstep.invalid/api/sync/auth/refresh/", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
    }),
    undefined,
    JSON.stringify({ refresh_token: login.refresh_token }),
  );
  if (!response.ok) {
    await response.body?.cancel();
    throw new CliError(
      `The login to ${server} has ended. Run: lockstep login --server ${server}`,
      exitCode.denied,
    );
  }
  const { token, refresh_token } = await response.json();
  const renewed = { ...login, token, refresh_token };
  await writeLogin(host, server, renewed);
  return renewed;
}

/** The API of a server for who has not signed in. */
export function openAnonymous(server: string): Api {
  return new Api({
    name: server,
    send: async (request) =>
      await sendTo(
        server,
        request,
        undefined,
        request.body === null ? undefined : await request.arrayBuffer(),
      ),
    close: () => Promise.resolve(),
  });
}
