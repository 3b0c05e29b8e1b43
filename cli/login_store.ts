import { CliError } from "./errors.ts";
import type { Host } from "./host.ts";

/** What `lockstep login` keeps of one server. */
export interface StoredLogin {
  username: string;
  token: string;
  refresh_token: string;
}

type Logins = Record<string, StoredLogin>;

/** The file of logins by server, readable by its owner alone. */
function loginFile(host: Host): string {
  const config = host.env("XDG_CONFIG_HOME") ??
    (host.env("HOME") && `${host.env("HOME")}/.config`) ?? host.env("APPDATA");
  if (!config) {
    throw new CliError(
      "There is no place for logins: neither XDG_CONFIG_HOME nor HOME is set. Set one of them, or " +
        "give an access token in LOCKSTEP_TOKEN.",
    );
  }
  return `${config}/lockstep/logins.json`;
}

/** The login that is kept for a server, if there is one. */
export async function readLogin(host: Host, server: string): Promise<StoredLogin | undefined> {
  return (await readLogins(loginFile(host)))[server];
}

/** Keeps a login, or forgets it. Resolves to whether there was one. */
export async function writeLogin(
  host: Host,
  server: string,
  login: StoredLogin | undefined,
): Promise<boolean> {
  const file = loginFile(host);
  const logins = await readLogins(file);
  const known = server in logins;
  if (login) logins[server] = login;
  else delete logins[server];
  await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  // A reader never sees half a file, and nobody else ever sees it.
  const draft = `${file}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(draft, `${JSON.stringify(logins, null, 2)}\n`, {
    createNew: true,
    mode: 0o600,
  });
  await Deno.rename(draft, file);
  return known;
}

async function readLogins(file: string): Promise<Logins> {
  try {
    return JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw new CliError(`The file of logins ${file} cannot be read. Delete it and sign in again.`);
  }
}
