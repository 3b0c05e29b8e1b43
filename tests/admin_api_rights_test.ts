import { expect } from "expect";
import { ids, type Json, json, secret, testAdmin, told, valueOf } from "./admin_api_world.ts";

testAdmin("filters are refused when they are saved, with the field at fault", async (world) => {
  const place = { organization_id: ids.one, group_id: ids.members, model: "app.Note" };
  for (
    const [condition, field] of [
      [{ nothing: 1 }, "nothing"],
      [{ amount: "much" }, "amount"],
      [{ body__regex: "(a+)+$" }, "body__regex"],
      [{ department: "$user.password" }, "department"],
    ] as const
  ) {
    const filter = { ...place, name: "x", condition };
    const answer = await json(world.send("administrator", "POST", "/api/admin/filters", filter));
    expect([answer.status, answer.errors[0].field]).toEqual([400, field]);
    const cell = { ...place, push: false, pull: true, filters: condition };
    const bulk = await json(
      world.send("administrator", "PUT", "/api/admin/permissions", { items: [cell] }),
    );
    expect([bulk.status, bulk.errors[0].field]).toEqual([400, field]);
  }
  const empty = await json(
    world.send("administrator", "POST", "/api/admin/filters", { ...place, name: "x" }),
  );
  expect([empty.code, empty.errors[0].field]).toEqual(["required", "condition"]);
  const none = { ...place, name: "x", condition: {} };
  expect(await told(world.send("administrator", "POST", "/api/admin/filters", none)))
    .toEqual([400, "invalid_value"]);
});

testAdmin(
  "the matrix is set at once, cells that changed since they were read are refused",
  async (world) => {
    const matrix = await json(
      world.send("administrator", "GET", "/api/admin/permissions/matrix?organization_id=1"),
    );
    expect(matrix.models.map(({ name, writable }: Json) => [name, writable])).toEqual(
      expect.arrayContaining([["app.Note", true], ["app.Country", false]]),
    );
    const [cell] = matrix.cells;
    expect(cell).toMatchObject({ group_id: ids.readers, push: false, pull: true, filtered: true });
    const place = { organization_id: ids.one, model: "app.Note" };
    const set = (items: unknown[]) =>
      json(world.send("administrator", "PUT", "/api/admin/permissions", { items }));
    const items = [
      { ...place, group_id: ids.readers, push: true, pull: true, version: cell.version },
      { ...place, group_id: ids.members, push: true, pull: true, version: null },
    ];
    expect(await set(items)).toEqual({ written: 2 });
    const stale = await set(items);
    expect([stale.status, stale.errors.map(({ field }: Json) => field)])
      .toEqual([412, ["items.0", "items.1"]]);
    expect(await set(items.map(({ version: _, ...item }) => item))).toEqual({ written: 0 });
    // Filters that are not named stay.
    expect(
      await valueOf(world.db, "SELECT filters FROM lockstep.model_permission WHERE id = $1", [
        cell.id,
      ]),
    ).toEqual({ department: "SALES" });
    const twice = { ...place, group_id: ids.members, push: true, pull: true };
    expect((await set([twice, twice])).code).toBe("invalid_value");
    expect((await set([{ ...twice, model: "app.Nothing" }])).code).toBe("unknown_model");
    expect((await set([{ ...twice, group_id: 99 }])).code).toBe("not_found");
  },
  true,
);

testAdmin("templates and copies give groups the rights that they name", async (world) => {
  const rights = () =>
    world.db.query(
      `SELECT p.organization_id AS o, g.name AS g, p.model_name AS m, p.can_push, p.can_pull
      FROM lockstep.model_permission p JOIN lockstep.auth_group g ON g.id = p.group_id
      WHERE g.name <> 'Readers' ORDER BY 1, 2, 3`,
    );
  const post = (path: string, body: unknown) =>
    json(world.send("staff", "POST", `/api/admin/permissions/${path}`, body));
  expect(await post("template", { organization_id: 1, template: "defaults" })).toEqual({
    written: 2,
  });
  expect(await rights()).toEqual([
    { o: 1, g: "Administrators", m: "app.Country", can_push: false, can_pull: true },
    { o: 1, g: "Administrators", m: "app.Note", can_push: true, can_pull: true },
  ]);
  expect((await post("template", { organization_id: 1, template: "read_only" })).code)
    .toBe("required");
  const copy = { from: { organization_id: 1 }, to: { organization_id: 2 }, replace: true };
  // Three permissions and a filter come or change, a filter of the target goes.
  expect(await post("copy", copy)).toEqual({ written: 5 });
  expect(await post("copy", copy)).toEqual({ written: 0 });
  expect((await rights()).filter(({ o }) => o === 2).length).toBe(2);
  expect((await post("copy", { ...copy, to: { organization_id: 2, group_id: 1 } })).code)
    .toBe("invalid_value");
}, true);

testAdmin(
  "a preview tells which rows and devices gain and lose, and saves nothing",
  async (world) => {
    const events = () => valueOf(world.db, "SELECT count(*) FROM lockstep.audit_event");
    const before = await events();
    const id = await valueOf(
      world.db,
      "SELECT id FROM lockstep.data_filter WHERE organization_id = 1",
    );
    const preview = (method: string, path: string, body?: unknown) =>
      json(world.send("administrator", method, `/api/admin/${path}?preview=true`, body));
    // Readers see the large sales: one row. Without the filter also the small one.
    const without = await preview("DELETE", `filters/${id}`);
    expect(without).toMatchObject({
      preview: true,
      changes: [{
        organization_id: 1,
        model: "app.Note",
        groups: ["Readers"],
        users: 1,
        usernames: ["rob"],
        devices: 1,
        pull: { gained: 1, lost: 0 },
        push: { before: "no row", after: "no row", gained: 0, lost: 0 },
      }],
      devices: { gain: 1, lose: 0 },
      message: "",
    });
    const narrower = await preview("PATCH", `filters/${id}`, { condition: { amount__gte: 1000 } });
    expect(narrower.changes[0].pull).toMatchObject({ gained: 0, lost: 1 });
    expect(narrower.devices).toEqual({ gain: 0, lose: 1 });
    const same = await preview("PATCH", `filters/${id}`, { name: "other" });
    expect(same.changes).toEqual([]);
    const item = { organization_id: 1, group_id: ids.members, model: "app.Note" };
    const granted = await preview("PUT", "permissions", {
      items: [{ ...item, push: true, pull: true, filters: { department: "SUPPORT" } }],
    });
    // Mia and Bea are members, of the same groups.
    expect(granted.changes).toMatchObject([{
      users: 2,
      pull: { before: "no row", gained: 1 },
      push: { gained: 1 },
    }]);
    const wrong = await preview("PUT", "permissions", {
      items: [{ ...item, push: true, pull: true, filters: { nothing: 1 } }],
    });
    expect(wrong.code).toBe("invalid_value");
    expect((await preview("PATCH", `filters/${id + 1}`, { name: "x" })).code).toBe("not_found");
    expect(await events()).toBe(before);
    expect(await valueOf(world.db, "SELECT count(*) FROM lockstep.data_filter")).toBe(2);
  },
  true,
);

testAdmin(
  "explain says in words and SQL who may what, and which condition hides a row",
  async (world) => {
    const explain = (query: string) =>
      json(world.send("administrator", "GET", `/api/admin/explain?${query}`));
    const rob = await explain("user=rob&organization=one&model=app.note&key=1");
    expect(rob.model).toBe("app.Note");
    expect(rob.pull).toMatchObject({
      allowed: true,
      reason: "rob may pull it as a member of Readers.",
      rows: 'rows where amount is at least "10" and department is "SALES"',
    });
    expect(rob.pull.sql).toContain('"amount"');
    expect(rob.push.allowed).toBe(false);
    expect(rob.row).toEqual({
      push: false,
      pull: false,
      groups: [{
        name: "Readers",
        push: false,
        pull: true,
        holds: false,
        filters: [
          { name: "filters", conditions: [{ words: 'department is "SALES"', holds: true }] },
          { name: "large", conditions: [{ words: 'amount is at least "10"', holds: false }] },
        ],
      }],
    });
    expect((await explain(`user=${ids.rob}&organization=1&model=app.Note&key=2`)).row.pull).toBe(
      true,
    );
    expect((await explain("user=mia&organization=one&model=app.Note")).pull.reason)
      .toBe("None of the groups of mia (Members) may pull it.");
    // Row 4 is another organization's.
    expect((await explain("user=rob&organization=one&model=app.Note&key=4")).code).toBe(
      "not_found",
    );
    expect((await explain("user=rob&organization=one&model=app.Note&key=x")).code)
      .toBe("invalid_value");
    expect((await explain(`user=rob&organization=${secret}&model=app.Note`)).code).toBe(
      "not_found",
    );
    await world.db.query("UPDATE lockstep.app_user SET is_active = false WHERE username = 'rob'");
    const disabled = await explain("user=rob&organization=one&model=app.Note");
    expect([disabled.pull.allowed, disabled.notes]).toEqual([
      false,
      ["rob is disabled and cannot sign in."],
    ]);
  },
  true,
);

testAdmin(
  "view-as shows the rows that the user would pull, page by page, and only reads",
  async (world) => {
    await world.db.query(
      `INSERT INTO app.note (organization_id, department, amount, body)
    SELECT 1, 'SALES', 9007199254740993.25, 'n' || n FROM generate_series(1, 20) n`,
    );
    const seen: Json[] = [];
    let cursor = "";
    let text = "";
    do {
      const answer = await world.send(
        "administrator",
        "GET",
        `/api/admin/view-as?user=rob&organization=one&model=app.Note&limit=6${cursor}`,
      );
      text += await answer.clone().text();
      const page = await answer.json();
      seen.push(...page.items);
      cursor = page.next === null ? "" : `&cursor=${page.next}`;
    } while (cursor !== "");
    expect(seen.length).toBe(21);
    expect(new Set(seen.map(({ id }) => id)).size).toBe(21);
    expect(text).toContain("9007199254740993.25");
    expect(text).not.toContain("support");
    expect(
      await told(
        world.send(
          "administrator",
          "POST",
          "/api/admin/view-as?user=rob&organization=one&model=app.Note",
        ),
      ),
    ).toEqual([405, "method_not_allowed"]);
    const wrong = "/api/admin/view-as?user=rob&organization=one&model=app.Note&cursor=";
    for (const cursor of ["x", btoa('["x"]'), btoa('["1","2"]')]) {
      expect((await told(world.send("administrator", "GET", wrong + cursor)))[0]).toBe(400);
    }
  },
  true,
);
