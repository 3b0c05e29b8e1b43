import { expect } from "expect";
import { demoPassword, loadDemo } from "../cli/demo/mod.ts";
import { appKinds, openTestApp } from "./support/app.ts";

for (const kind of appKinds) {
  Deno.test(`the token, pull and push endpoints answer in the wire's shapes [${kind}]`, async () => {
    await using app = await openTestApp(kind, loadDemo);
    const token = await app.token("john_manager", demoPassword);
    const headers = { Authorization: `Bearer ${token}` };
    const pulled = await app.fetch("/api/sync/pull/", {
      method: "POST",
      headers,
      body: JSON.stringify({ models: { "myapp.Customer": null }, batch_size: 1 }),
    });
    expect(pulled.status).toBe(200);
    expect(Object.keys(await pulled.json())).toEqual(
      ["data", "deleted", "metadata", "batch_info", "complete", "as_of"],
    );
    const missing = await app.fetch("/api/sync/nothing", { headers });
    expect(missing.headers.get("Content-Type")).toBe("application/problem+json");
    expect(missing.status).toBe(404);
    const method = await app.fetch("/api/sync/pull", { headers });
    expect([method.status, (await method.json()).code]).toEqual([405, "method_not_allowed"]);
  });
}
