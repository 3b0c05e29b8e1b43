import { expect } from "expect";
import { type ApiWorld, type Client, eachApi, expectProblem } from "./api_support.ts";
import { EventStream } from "./support/event_stream.ts";

async function open(
  world: ApiWorld,
  client: Client,
  query = "",
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const response = await world.app.fetch(`/api/sync/events/${query}`, {
    headers: { ...client.headers, ...headers },
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/event-stream");
  return new EventStream(response);
}

const customer = (id: number) => ({ _model: "app.Customer", id, name: "x" });

eachApi(
  "an event tells within a second of pushes and of direct SQL, and resumes by its id",
  async (world) => {
    const [ann, cat] = [await world.as("ann"), await world.as("cat")];
    let id!: string;
    {
      await using events = await open(world, ann, "?models=app.Customer,app.visit");
      // Neither another organization's change nor another model's is this client's business.
      await cat.push([customer(5001)]);
      await ann.push([{ _model: "app.Node", label: "x" }]);
      const waits: number[] = [];
      const told = async (change: () => Promise<unknown>) => {
        const since = performance.now();
        await change();
        const { event, data, id } = (await events.next())!;
        waits.push(performance.now() - since);
        expect([event, data.as_of]).toEqual([
          "change",
          expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        ]);
        return { models: data.models, id };
      };
      for (let round = 1; round <= 3; round++) {
        const pushed = await told(() => ann.push([customer(round)]));
        expect(pushed.models).toEqual(["app.Customer"]);
        const direct = await told(() =>
          world.db.query("INSERT INTO app.visit (organization_id, customer_id) VALUES (1, 1)")
        );
        expect(direct.models).toEqual(["app.Visit"]);
        id = direct.id!;
      }
      // A machine that is held up for a moment is late with one or two of them.
      expect(waits.sort((a, b) => a - b)[3]).toBeLessThan(1500);
    }
    // What happens while nobody listens is told to who comes back.
    await ann.push([customer(9)]);
    await using resumed = await open(world, ann, "?models=app.Customer,app.visit", {
      "Last-Event-ID": id,
    });
    expect((await resumed.next())!.data.models).toEqual(["app.Customer"]);
    expect(resumed.response.headers.get("Cache-Control")).toBe("no-store");
  },
);

eachApi(
  "events end with `revoked` when the right, the membership, the token or the user is withdrawn",
  async (world) => {
    const withdraw: Record<string, () => Promise<unknown>> = {
      right: () => world.grant("Staff", "app.Customer", { push: true }),
      membership: () =>
        world.db.query(
          `UPDATE lockstep.user_organization SET is_active = false
         WHERE user_id = (SELECT id FROM lockstep.app_user WHERE username = 'ann')`,
        ),
      user: () =>
        world.db.query("UPDATE lockstep.app_user SET is_active = false WHERE username = 'ann'"),
    };
    for (const how of Object.values(withdraw)) {
      const ann = await world.as("ann");
      await using events = await open(world, ann, "?models=app.Customer");
      await how();
      expect((await events.next())?.event).toBe("revoked");
      expect(await events.next()).toBe(undefined);
      await world.grant("Staff", "app.Customer", { push: true, pull: true });
      await world.db.script(`
      UPDATE lockstep.user_organization SET is_active = true;
      UPDATE lockstep.app_user SET is_active = true`);
    }
    const ann = await world.as("ann");
    await using events = await open(world, ann);
    expect((await ann.post("/api/sync/auth/revoke/", "")).status).toBe(204);
    expect((await events.next())?.event).toBe("revoked");
  },
);

eachApi("events are refused without the right to pull", async (world) => {
  const ben = await world.as("ben");
  for (const models of ["app.Visit", "app.Nope", "app.Customer,app.Visit", "__proto__", "%00"]) {
    const answer = await ben.get(`/api/sync/events/?models=${models}`);
    expectProblem(answer, 403, "permission_denied");
  }
  expectProblem(await world.request("/api/sync/events"), 401, "unauthorized");
  expectProblem(await ben.get("/api/sync/events/?organization=two"), 403, "permission_denied");
});

eachApi(
  "an id that says nothing is answered with all models, and disturbs nobody",
  async (world) => {
    const [ann, ben, cat] = [await world.as("ann"), await world.as("ben"), await world.as("cat")];
    for (
      const id of [
        "'; nonsense",
        "9:5:7,7",
        "9:5:7,7/x",
        "1:1:",
        "99999999:99999999:",
        "/",
        "a/b/c",
      ]
    ) {
      await using lost = await open(world, ann, "?models=app.Customer,app.visit", {
        "Last-Event-ID": id,
      });
      expect([id, (await lost.next())!.data.models.sort()])
        .toEqual([id, ["app.Customer", "app.Visit"]]);
      await using events = await open(world, cat, "?models=app.Customer");
      await cat.push([customer(5002)]);
      expect((await events.next())!.data.models).toEqual(["app.Customer"]);
      await cat.push([{ ...customer(5002), _op: "delete" }]);
    }
    await using events = await open(world, ben);
    await ben.push([{ ...customer(1), owner: "ben" }]);
    expect((await events.next())!.data.models).toEqual(["app.Customer"]);
  },
);

eachApi("who comes back learns that a model was emptied or dropped meanwhile", async (world) => {
  const ann = await world.as("ann");
  const query = "?models=app.Customer,app.visit,app.Node";
  let id: string | undefined;
  {
    await using events = await open(world, ann, query);
    await ann.push([customer(9)]);
    ({ id } = (await events.next())!);
  }
  await world.db.script("TRUNCATE app.visit");
  await using events = await open(world, ann, query, { "Last-Event-ID": id! });
  expect((await events.next())!.data.models.sort())
    .toEqual(["app.Customer", "app.Node", "app.Visit"]);
  // Whose log has gone is let go, and the others hear on.
  await using other = await open(world, ann, "?models=app.Customer");
  const [{ log }] = await world.db.query<{ log: string }>(
    `SELECT 'lockstep.change_' || id AS log FROM lockstep.tracked_model WHERE table_oid = 'app.node'::regclass`,
  );
  await world.db.script(`DROP TABLE app.node CASCADE; DROP TABLE ${log} CASCADE`);
  for (let told; (told = await events.next());) expect(told.event).toBe("change");
  await ann.push([customer(10)]);
  expect((await other.next())!.data.models).toEqual(["app.Customer"]);
});
