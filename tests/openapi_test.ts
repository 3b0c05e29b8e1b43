import { Validator } from "@seriousme/openapi-schema-validator";
import { expect } from "expect";
import { apiRoutes } from "./admin_api_routes.ts";
import { openTestApp } from "./support/app.ts";

type Json = Record<string, unknown>;

async function fetchDocument(): Promise<Json & { paths: Record<string, Record<string, Json>> }> {
  await using app = await openTestApp("pglite");
  const response = await app.fetch("/api/openapi.json");
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("application/json");
  return await response.json();
}

const document = fetchDocument();

Deno.test("/api/openapi.json is a valid OpenAPI 3.1 document", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(await document));
  expect([valid, errors]).toEqual([true, undefined]);
  expect(validator.version).toBe("3.1");
});

Deno.test("/api/openapi.json documents every method of every route of the API, and no other", async () => {
  const { paths } = await document;
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\/$/, "")}`)
  );
  const routes = (await apiRoutes()).flatMap(({ path, methods }) =>
    methods.map((method) => `${method} ${path}`)
  );
  expect(routes.length).toBeGreaterThan(60);
  expect(documented.sort()).toEqual(routes.sort());
});

Deno.test("/api/openapi.json names each operation once and each parameter of its path", async () => {
  const { paths } = await document;
  const ids = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId)
  );
  expect(new Set(ids).size).toBe(ids.length);
  for (const [path, methods] of Object.entries(paths)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const { parameters = [] } of Object.values(methods)) {
      const given = (parameters as Json[]).filter((parameter) => parameter.in === "path");
      expect([path, given.map(({ name }) => name)]).toEqual([path, names]);
    }
  }
});

Deno.test("/api/openapi.json describes what validates: limits, patterns and required members", async () => {
  const { paths } = await document;
  // deno-lint-ignore no-explicit-any
  const create: any = paths["/api/admin/users"].post;
  const schema = create.requestBody.content["application/json"].schema;
  expect(schema.required).toEqual(["username", "password"]);
  expect(schema.additionalProperties).toBe(false);
  expect(schema.properties.username.maxLength).toBe(150);
  // deno-lint-ignore no-explicit-any
  const list: any = paths["/api/admin/users"].get;
  // deno-lint-ignore no-explicit-any
  const limit = list.parameters.find(({ name }: any) => name === "limit");
  expect(limit.required).toBe(false);
  expect(limit.schema).toMatchObject({ type: "integer", minimum: 1, maximum: 1000 });
});

Deno.test("/api/docs shows every operation and loads nothing from another host", async () => {
  await using app = await openTestApp("pglite");
  const response = await app.fetch("/api/docs");
  expect(response.status).toBe(200);
  const html = await response.text();
  const { paths } = await document;
  for (const [path, methods] of Object.entries(paths)) {
    for (const method of Object.keys(methods)) {
      expect(html).toContain(`${method.toUpperCase()} ${path}`);
    }
  }
  const sources = [...html.matchAll(/<(?:script|link|img|iframe)[^>]*\s(?:src|href)="([^"]+)"/g)];
  expect(sources.map(([, source]) => source).filter((source) => /^(?:\w+:)?\/\//.test(source)))
    .toEqual([]);
});
