import { setTimeout as delay } from "node:timers/promises";
import { expect } from "expect";
import { ServerProcess } from "../bench/server_process.ts";
import { grant, prepare, signIn } from "../bench/world.ts";
import { type Database, openPglite, openPostgres } from "../lib/db/mod.ts";
import {
  BulkWorker,
  type BulkWorkerOptions,
  listBulkJobs,
  purgeBulkJobs,
  retryBulkJob,
} from "../lib/jobs/mod.ts";
import { bulkPush } from "../lib/web/mod.ts";
import { type ApiWorld, eachApi, expectProblem, type Json, until } from "./api_support.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";

const customers = (count: number, first = 2001) =>
  Array.from({ length: count }, (_, i) => ({
    _model: "app.Customer",
    id: first + i,
    name: `Customer ${first + i}`,
  }));

const ndjson = (records: unknown[]) => records.map((one) => `${JSON.stringify(one)}\n`).join("");
const asNdjson = { "Content-Type": "application/x-ndjson" };

/** A worker over the world's services; `around` may stand in for the writing of parts. */
function workerOf(
  { app, db }: ApiWorld,
  around?: (real: BulkWorkerOptions["pushPart"]) => BulkWorkerOptions["pushPart"],
  options: Partial<BulkWorkerOptions> = {},
): AsyncDisposable & { worker: BulkWorker } {
  const real = bulkPush(app.running.services);
  const worker = new BulkWorker({
    db,
    pushPart: around?.(real) ?? real,
    retryDelay: 1,
    ...options,
  });
  return { worker, [Symbol.asyncDispose]: () => worker.stop() };
}

function eachBulk(name: string, fn: (world: ApiWorld) => Promise<void>): void {
  eachApi(name, fn, "the workers of the servers would write what the test's own is to write");
}

/** Polls a bulk push until it is in a state. */
async function reach(
  client: { get(path: string): Promise<{ body: Json }> },
  url: string,
  state: string,
): Promise<Json> {
  let body: Json;
  await until(async () => {
    ({ body } = await client.get(url));
    return body.state === state;
  });
  return body;
}

async function cancel(
  { request }: ApiWorld,
  { headers }: { headers: Record<string, string> },
  url: string,
) {
  return await request(url, { method: "DELETE", headers });
}

eachBulk(
  "POST /api/sync/bulk/ writes a large push in parts and adds up the answers",
  async (world) => {
    const { as, count, db } = world;
    const ann = await as("ann", { "X-Device": "till" });
    const records: Json[] = customers(2500);
    records[1700] = { ...records[1700], name: "x".repeat(41) };
    records[2499] = { ...records[2499], age: -1, _client_id: "\0\ud800" };
    const body = JSON.stringify({ data: records }).replace(
      '"name":"Customer 2005"',
      '"name":"Customer 2005","credit":12345678901234567890.123',
    );
    const sent = await ann.post("/api/sync/bulk/", body);
    expect(sent.status).toBe(202);
    expect(sent.body).toEqual({ id: sent.body.id, status_url: `/api/sync/bulk/${sent.body.id}/` });
    const url = sent.body.status_url;
    expect((await ann.get(url)).body).toMatchObject({
      id: sent.body.id,
      state: "queued",
      progress: { done: 0, total: 2500 },
    });

    await using running = workerOf(world);
    await running.worker.start();
    const { progress, result, error } = await reach(ann, url, "succeeded");
    expect(progress).toEqual({ done: 2500, total: 2500 });
    expect(error).toBeUndefined();
    expect(result).toMatchObject({
      success_count: 2498,
      error_count: 2,
      processed_models: { "app.Customer": { created: 2498, updated: 0 } },
    });
    expect(result.errors.map(({ index, code, field }: Json) => [index, code, field])).toEqual([
      [1700, "too_long", "name"],
      [2499, "invalid_value", "_client_id"],
    ]);
    expect(await count("app.customer", "id > 2000")).toBe(2498);
    const [{ credit }] = await db.query<{ credit: string }>(
      "SELECT credit::text FROM app.customer WHERE id = 2005",
    );
    expect(credit).toBe("12345678901234567890.123");
    await world.app.running.services.recorder.flush();
    expect(await count("lockstep.sync_log", "operation = 'PUSH' AND device = 'till'")).toBe(3);
    expect(await count("lockstep.job")).toBe(1);
  },
);

eachBulk("a bulk push takes NDJSON and gzip, and a key that repeats it", async (world) => {
  const { as, count } = world;
  const ann = await as("ann");
  const body = ndjson(customers(1500));
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const headers = { ...asNdjson, "Idempotency-Key": "one" };
  const first = await ann.post("/api/sync/bulk/", bytes, {
    ...headers,
    "Content-Encoding": "gzip",
  });
  expect(first.status).toBe(202);
  expect(first.headers.get("Location")).toBe(first.body.status_url);
  const again = await ann.post("/api/sync/bulk/", body, headers);
  expect([again.status, again.body]).toEqual([202, first.body]);
  expect(again.headers.get("Idempotency-Replayed")).toBe("true");
  const other = await ann.post("/api/sync/bulk/", ndjson(customers(2)), headers);
  expectProblem(other, 409, "idempotency_key_reused");
  // The push and its two parts: nothing of the others.
  expect(await count("lockstep.job")).toBe(3);
  await using running = workerOf(world);
  await running.worker.start();
  await reach(ann, first.body.status_url, "succeeded");
  expect(await count("app.customer", "id > 2000")).toBe(1500);
});

eachBulk("a bulk push refuses what it can't do and keeps nothing of it", async (world) => {
  const { as, count, set, db } = world;
  const ann = await as("ann");
  const post = (body: unknown, headers = {}) => ann.post("/api/sync/bulk/", body, headers);
  expectProblem(await post({ data: [], atomic: true }), 400, "invalid_value", "atomic");
  expectProblem(await post({ data: [], return: "ids" }), 400, "invalid_value", "return");
  expectProblem(await post({ data: {} }), 400, "invalid_value", "data");
  expectProblem(await post("a=b", { "Content-Type": "text/plain" }), 415, "unsupported_media_type");
  const broken = `${ndjson(customers(1500))}{"_model"`;
  const refused = expectProblem(await post(broken, asNdjson), 400, "malformed_json");
  expect(refused.detail).toMatch(/^Line 1501: /);
  await set("SYNC", "MAX_STREAM_RECORDS", 1200);
  expectProblem(await post(ndjson(customers(1500)), asNdjson), 413, "too_many_records");
  expectProblem(await post({ data: customers(1201) }), 413, "too_many_records");
  expect(await count("lockstep.job")).toBe(0);
  await set("JOBS", "BULK_LIMIT", 1);
  expect((await post({ data: [] })).status).toBe(202);
  const full = await post({ data: [] });
  expectProblem(full, 429, "too_many_requests");
  expect(full.headers.get("Retry-After")).toBe("60");
  const stranger = await world.request("/api/sync/bulk/", { method: "POST", body: "{}" });
  expectProblem(stranger, 401, "unauthorized");
  await using running = workerOf(world);
  await running.worker.start();
  const [{ id }] = await db.query<{ id: string }>("SELECT id FROM lockstep.job");
  await reach(ann, `/api/sync/bulk/${id}/`, "succeeded");
});

eachBulk("a bulk push is for its pusher, administrators and staff", async (world) => {
  const { as } = world;
  const { body: { status_url: url } } = await (await as("ann")).post("/api/sync/bulk/", {
    data: customers(1),
  });
  for (
    const [user, status] of Object.entries({ ann: 200, eva: 200, root: 200, ben: 404, cat: 404 })
  ) {
    const client = await as(user);
    expect([user, (await client.get(url)).status]).toEqual([user, status]);
    if (status === 404) expectProblem(await cancel(world, client, url), 404, "not_found");
  }
  const ann = await as("ann");
  for (const id of [crypto.randomUUID(), "1", "'"]) {
    expectProblem(await ann.get(`/api/sync/bulk/${id}/`), 404, "not_found");
  }
  const cancelled = await cancel(world, await as("eva"), url);
  expect([cancelled.status, cancelled.body.state]).toEqual([200, "cancelled"]);
});

eachBulk("a queued bulk push is cancelled at once, an ended one not", async (world) => {
  const { as, count } = world;
  const ann = await as("ann");
  const { body: first } = await ann.post("/api/sync/bulk/", { data: customers(1500) });
  expect((await cancel(world, ann, first.status_url)).body.state).toBe("cancelled");
  expect((await cancel(world, ann, first.status_url)).status).toBe(200);
  expect(await count("lockstep.job")).toBe(1);
  const { body: second } = await ann.post("/api/sync/bulk/", { data: customers(2, 9001) });
  await using running = workerOf(world);
  await running.worker.start();
  await reach(ann, second.status_url, "succeeded");
  expectProblem(await cancel(world, ann, second.status_url), 409, "conflict");
  expect(await count("app.customer", "id > 2000")).toBe(2);
});

eachBulk("a running bulk push is cancelled at the next part", async (world) => {
  const { as, count } = world;
  const ann = await as("ann");
  const { body: { status_url } } = await ann.post("/api/sync/bulk/", { data: customers(3500) });
  await using running = workerOf(world, (real) => async (job, part, finish) => {
    if (part.first === 2000) await cancel(world, ann, status_url);
    await real(job, part, finish);
  });
  await running.worker.start();
  await reach(ann, status_url, "cancelled");
  await running.worker.stop();
  expect((await ann.get(status_url)).body).toMatchObject({
    state: "cancelled",
    progress: { done: 2000, total: 3500 },
  });
  expect(await count("app.customer", "id > 2000")).toBe(2000);
  expect(await count("lockstep.job")).toBe(1);
});

eachBulk("a bulk push has the rights that its pusher has when it is written", async (world) => {
  const { as, count, db, grant } = world;
  const ann = await as("ann");
  const { body: first } = await ann.post("/api/sync/bulk/", { data: customers(2) });
  await grant("Staff", "app.Customer", { pull: true });
  const { body: second } = await (await as("ben")).post("/api/sync/bulk/", { data: customers(2) });
  await db.script("UPDATE lockstep.app_user SET is_active = false WHERE username = 'ben'");
  await using running = workerOf(world);
  await running.worker.start();
  const { result } = await reach(ann, first.status_url, "succeeded");
  expect(result.errors.map(({ code }: Json) => code)).toEqual([
    "permission_denied",
    "permission_denied",
  ]);
  const { error, progress } = await reach(await as("eva"), second.status_url, "failed");
  expect(error).toMatch(/may not push/);
  expect(progress.done).toBe(0);
  expect(await count("app.customer", "id > 2000")).toBe(0);
});

eachBulk(
  "a bulk push is tried three times, and goes on from there as a dead letter",
  async (world) => {
    const { as, count, db } = world;
    const ann = await as("ann");
    const { body: { id, status_url } } = await ann.post("/api/sync/bulk/", {
      data: customers(2500),
    });
    let firstWorks = false;
    let broken = true;
    await using running = workerOf(world, (real) => async (job, part, finish) => {
      const fails = part.first === 0 ? !firstWorks : part.first === 1000 && broken;
      if (!fails) return await real(job, part, finish);
      // As late as possible: nothing of the part may stay.
      await real(job, part, (tx) => tx.query("SELECT 1 / 0").then(() => {}));
    });
    const { worker } = running;
    await worker.start();
    const poke = setInterval(() => worker.wake(), 20);
    try {
      const dead = await reach(ann, status_url, "failed");
      expect(dead.progress).toEqual({ done: 0, total: 2500 });
      expect(dead.error).toMatch(/^Given up after 3 attempts\. /);
      expect(dead.error).not.toMatch(/division/);
      expect((await listBulkJobs(db, {
        state: "failed",
        organizationIds: null,
        before: null,
        limit: 10,
      })).map((job) => job.id)).toEqual([id]);
      firstWorks = true;
      await retryBulkJob(db, id);
      await until(async () => (await ann.get(status_url)).body.progress.done === 1000);
      await reach(ann, status_url, "failed");
      expect(await count("app.customer", "id > 2000")).toBe(1000);
      broken = false;
      await retryBulkJob(db, id);
      const { result, error } = await reach(ann, status_url, "succeeded");
      expect([result.success_count, error]).toEqual([2500, undefined]);
      await expect(retryBulkJob(db, id)).rejects.toMatchObject({ code: "conflict" });
    } finally {
      clearInterval(poke);
    }
  },
);

eachBulk("a slow worker whose bulk push was taken over writes nothing twice", async (world) => {
  const { as, count, db, kind } = world;
  if (kind === "pglite") return;
  const ann = await as("ann");
  // Without keys: a part that is written again would show.
  const data = customers(2500).map(({ id: _id, ...record }) => record);
  const { body: { status_url } } = await ann.post("/api/sync/bulk/", { data });
  const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using slow = workerOf(world, (real) => async (job, part, finish) => {
    entered.resolve();
    await gate.promise;
    await real(job, part, finish);
  });
  await slow.worker.start();
  await entered.promise;
  await db.script("UPDATE lockstep.job SET heartbeat_at = now() - interval '1 hour'");
  await using quick = workerOf(world);
  await quick.worker.start();
  await reach(ann, status_url, "succeeded");
  gate.resolve();
  await slow.worker.stop();
  expect(await count("app.customer", "name LIKE 'Customer %'")).toBe(2500);
  expect((await ann.get(status_url)).body).toMatchObject({
    state: "succeeded",
    progress: { done: 2500, total: 2500 },
  });
});

eachBulk("purgeBulkJobs() removes what has ended and what nobody will write", async (world) => {
  const { as, count, db } = world;
  const ann = await as("ann");
  const send = async () => (await ann.post("/api/sync/bulk/", { data: customers(1500) })).body;
  const [kept, abandoned, old] = [await send(), await send(), await send()];
  await db.query("DELETE FROM lockstep.job WHERE id = $1", [abandoned.id]);
  await db.query(
    "UPDATE lockstep.job SET state = 'failed', finished_at = now() - interval '8 days' WHERE id = $1",
    [old.id],
  );
  expect(await purgeBulkJobs(db, 9)).toEqual({ pushes: 0, parts: 0 });
  await db.script("UPDATE lockstep.job SET created_at = created_at - interval '25 hours'");
  expect(await purgeBulkJobs(db, 9)).toEqual({ pushes: 0, parts: 2 });
  expect(await purgeBulkJobs(db, 7)).toEqual({ pushes: 1, parts: 2 });
  expect(await count("lockstep.job")).toBe(3);
  await using running = workerOf(world);
  await running.worker.start();
  await reach(ann, kept.status_url, "succeeded");
});

const total = 20_000;

/**
 * Sends a bulk push, kills the server in the middle of it, and starts another one. Resolves to how
 * many were sent: on a busy machine one may be over before it is noticed to have begun.
 */
async function survivesKill(env: Record<string, string>): Promise<number> {
  const first = await ServerProcess.start(env);
  let client = await signIn(first);
  // Without keys: a part that is written again would show.
  const data = Array.from({ length: total }, (_, i) => ({ _model: "shop.Item", note: `${i}` }));
  const body = data.map((one) => JSON.stringify(one)).join("\n");
  let id: string;
  const read = async () => {
    const response = await fetch(`${client.origin}/api/sync/bulk/${id}/`, {
      headers: { Authorization: `Bearer ${client.token}` },
    });
    return await response.json();
  };
  let before: Json;
  let pushes = 0;
  do {
    const sent = await client.post("bulk/", body, asNdjson);
    expect(sent.status).toBe(202);
    ({ id } = await sent.json());
    pushes++;
    do before = await read(); while (before.progress.done === 0);
  } while (before.progress.done === total && pushes < 5);
  await first.kill();
  expect(before.progress.done).toBeLessThan(total);

  await using second = await ServerProcess.start(env);
  client = await signIn(second);
  let after: Json;
  do {
    await delay(50);
    after = await read();
  } while (["queued", "running"].includes(after.state));
  expect(after).toMatchObject({
    state: "succeeded",
    progress: { done: total, total },
    result: { success_count: total, error_count: 0 },
  });
  return pushes;
}

async function prepareItems(db: Database): Promise<void> {
  const { organizationId, groupId } = await prepare(db);
  await db.script(`
    CREATE SCHEMA shop;
    CREATE TABLE shop.item (
      id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
      organization_id integer NOT NULL,
      note text NOT NULL)`);
  await grant(db, organizationId, groupId, "shop.Item");
}

async function expectAllOnce(db: Database, pushes: number): Promise<void> {
  const [counts] = await db.query(
    "SELECT count(*)::int AS rows, count(DISTINCT note)::int AS notes FROM shop.item",
  );
  expect(counts).toEqual({ rows: total * pushes, notes: total });
}

Deno.test("a bulk push on the embedded database survives kill -9: everything arrives once", async () => {
  await using test = await openTestDatabase("pglite", { stored: true });
  await prepareItems(test.db);
  await test.db.close();
  const pushes = await survivesKill({ LOCKSTEP_DATA_DIR: test.dataDir! });
  const db = await openPglite(test.dataDir!);
  await expectAllOnce(db, pushes).finally(() => db.close());
});

Deno.test({
  name: "a bulk push on PostgreSQL survives kill -9: everything arrives once",
  ignore: !hasPostgres,
  async fn() {
    await using test = await openTestDatabase("postgres");
    await prepareItems(test.db);
    const pushes = await survivesKill({ DATABASE_URL: test.url! });
    const db = openPostgres(test.url!);
    await expectAllOnce(db, pushes).finally(() => db.close());
  },
});
