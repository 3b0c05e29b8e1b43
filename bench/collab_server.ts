/**
 * A server process for `bench/collab.ts`: a hub on a free port of the loopback. Arguments: the URL of
 * PostgreSQL, that of Redis or nothing, and options as JSON. `/bare` is a room without a hub. Writes
 * its port, then its memory in bytes for each line that it reads; ends with its input.
 * @module
 */
import { createInterface } from "node:readline";
import { stdin } from "node:process";
import {
  CollabHub,
  defaultCollabOptions,
  MemoryStore,
  RedisStore,
  timingOf,
  upgradeCollabSocket,
} from "../lib/collab/mod.ts";
import { openPostgres } from "../lib/db/mod.ts";

const [databaseUrl, redisUrl, changed = "{}"] = Deno.args;
const options = { ...defaultCollabOptions, ...JSON.parse(changed) };
const timing = timingOf(options);
const store = redisUrl ? await RedisStore.open(redisUrl, timing) : new MemoryStore(timing);
const db = openPostgres(databaseUrl);
await db.query("SELECT 1");

const hub = new CollabHub({
  db,
  store,
  options,
  stillAllowed: (identity) => Promise.resolve(identity),
  onForcedTakeOver: () => Promise.resolve(),
  report: (error) => console.error(error),
});
await hub.start();

const bare = new Set<WebSocket>();

/** What the fan-out is measured against: nothing but a loop of sends. */
function attachBare(socket: WebSocket): void {
  socket.onopen = () => {
    bare.add(socket);
    socket.send(JSON.stringify({ type: "present_users" }));
  };
  socket.onclose = () => bare.delete(socket);
  socket.onmessage = ({ data }) => {
    const { type, field } = JSON.parse(data);
    if (type === "claim_editor") return socket.send(JSON.stringify({ fencing_token: 1 }));
    const frame = JSON.stringify({ type, user_id: 1, username: "user1@example.com", field });
    for (const reader of bare) reader.send(frame);
  };
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
  const url = new URL(request.url);
  const userId = Number(url.searchParams.get("user"));
  const { socket, response } = upgradeCollabSocket(request);
  if (url.pathname === "/bare") {
    attachBare(socket);
    return response;
  }
  const identity = {
    userId,
    username: `user${userId}`,
    email: `user${userId}@example.com`,
    avatarUrl: null,
    canEdit: true,
    canForce: false,
  };
  hub.attachRecord(socket, identity, { room: url.pathname.slice(1) });
  return response;
});
console.log(server.addr.port);

for await (const _ of createInterface({ input: stdin })) {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss } = Deno.memoryUsage();
  console.log(rss);
}
Deno.exit(0);
