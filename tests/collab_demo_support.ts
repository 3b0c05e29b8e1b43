/** The record of a customer of the demo, and people who edit it through the whole application. */
import type { Database } from "../lib/db/mod.ts";
import { Client } from "./collab_support.ts";
import { openDemoApp, visitor } from "./pages_support.ts";

export const record = "/myapp/Customer/1/";
export const page = `/admin/records${record}change/`;

/** What a form that shows the record now sends. */
export async function formOf(db: Database, city: string, token?: number) {
  const [row] = await db.query<{ version: string; city: string | null }>(
    "SELECT xmin::text AS version, city FROM myapp.customer WHERE id = 1",
  );
  return {
    version: row.version,
    base: JSON.stringify({ city: row.city }),
    "v.city": city,
    ...(token === undefined ? {} : { fencing_token: String(token) }),
  };
}

export const cityOf = async (db: Database) =>
  (await db.query<{ city: string }>("SELECT city FROM myapp.customer WHERE id = 1"))[0].city;

export const chatPath = "/admin/collaboration/chat/admin_records_myapp_Customer_1_change_/";
export const socketPath = `/admin/collaboration${record}`;

/** The application on a port, and people signed in to it who can open sockets. */
export async function serveDemo() {
  const app = await openDemoApp();
  const server = app.serve();
  const address = server.origin.replace("http", "ws");
  return {
    app,
    db: app.db,
    async person(username: string) {
      const person = visitor(app);
      await person.signIn(username);
      const cookie = () => [...person.cookies].map((pair) => pair.join("=")).join("; ");
      return {
        async post(path: string, form: Record<string, string>) {
          const response = await person.post(path, form);
          return { status: response.status, text: await response.text() };
        },
        async get(path: string) {
          const response = await person.get(path);
          return { status: response.status, text: await response.text() };
        },
        /** A request to the admin API. */
        async api(method: string, path: string, body?: unknown, headers = {}) {
          const response = await app.fetch(`/api/admin/${path}`, {
            method,
            headers: { "Sec-Fetch-Site": "same-origin", Cookie: cookie(), ...headers },
            body: body === undefined ? undefined : JSON.stringify(body),
          });
          return {
            status: response.status,
            headers: response.headers,
            body: await response.json(),
          };
        },
        async open(path: string) {
          return await new Client(address + path, { Cookie: cookie() }).opened();
        },
        /** A tab that holds the lock. */
        async edit() {
          const tab = await this.open(socketPath);
          tab.send("claim_editor");
          const status = await tab.next("editor_status", (f) => f.fencing_token !== undefined);
          return { tab, token: status.fencing_token as number };
        },
      };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

export async function userId(db: Database, username: string): Promise<number> {
  const [{ id }] = await db.query<{ id: number }>(
    "SELECT id FROM lockstep.app_user WHERE username = $1",
    [username],
  );
  return id;
}
