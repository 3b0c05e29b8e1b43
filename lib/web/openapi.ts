import { z } from "zod";
import type { AdminOperation, AdminOperations } from "./admin_operation.ts";
import { previewSchema } from "./preview_schema.ts";
import { version } from "./version.ts";

/** How one method of a route is documented. */
export interface DocumentedOperation {
  summary: string;
  description?: string;
  tag: string;
  /** Ways to say who asks; none for what everybody may. */
  security: ("bearer" | "session")[];
  params?: z.ZodType;
  query?: z.ZodType;
  headers?: z.ZodType;
  /** Media type to schema. */
  body?: Record<string, z.ZodType>;
  /** Status to media type to schema; null for an answer without body. */
  answers: Record<string, Record<string, z.ZodType> | null>;
  /** Statuses of problem documents. */
  problems: number[];
}

export type DocumentedPaths = Record<string, Record<string, DocumentedOperation>>;

/** The documentation of the admin API's operations, from what validates and answers them. */
export function documentAdmin(paths: Record<string, AdminOperations>): DocumentedPaths {
  return Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, op]) => [method, documentOperation(method, op)]),
      ),
    ]),
  );
}

const ifMatch = z.object({
  "If-Match": z.string().describe("The ETag of the version that was read, or *."),
});

function documentOperation(method: string, op: AdminOperation): DocumentedOperation {
  const schema = op.answer ?? null;
  const answers: DocumentedOperation["answers"] = op.media
    ? { "200": Object.fromEntries(op.media.map((type) => [type, z.string()])) }
    : { [String(op.status ?? (schema ? 200 : 204))]: schema && { "application/json": schema } };
  if (op.preview) {
    answers["200"] = {
      "application/json": schema && !op.status ? schema : previewSchema,
    };
  }
  const who = op.access === "staff"
    ? "Staff only."
    : "Staff, and members of *Administrators* for their organizations.";
  return {
    summary: op.summary,
    description: [op.description, who].filter(Boolean).join(" "),
    tag: op.tag,
    security: ["bearer", "session"],
    params: op.params,
    query: op.preview
      ? (op.query as z.ZodObject | undefined ?? z.object({})).extend({
        preview: z.enum(["true", "false"]).optional().describe(
          "With true nothing is changed; the answer says what would be.",
        ),
      })
      : op.query,
    headers: op.ifMatch ? ifMatch.extend(op.headers?.shape ?? {}) : op.headers,
    body: op.body && { "application/json": op.body },
    answers,
    problems: [
      ...[400, 401, 403],
      ...(op.params ? [404] : []),
      ...(method === "GET" ? [] : [409]),
      ...(op.ifMatch ? [412, 428] : []),
    ],
  };
}

type Json = Record<string, unknown>;

const problemTexts: Record<number, string> = {
  400: "The request is not valid",
  401: "Nobody is signed in, or the token has expired or was revoked",
  403: "The caller may not do this",
  404: "There is no such thing, or not for the caller",
  409: "It contradicts what there is",
  412: "It was changed since it was read",
  413: "Too large",
  415: "The media type is not supported",
  422: "Nothing was accepted",
  428: "If-Match is missing",
  429: "Too many attempts; Retry-After says when to go on",
  503: "Not available at present",
};

/** The OpenAPI 3.1 document of these paths. */
export function openApiDocument(paths: DocumentedPaths, origin: string): Json {
  const tags = new Set(
    Object.values(paths).flatMap((methods) => Object.values(methods).map(({ tag }) => tag)),
  );
  return {
    openapi: "3.1.1",
    info: {
      title: "Lockstep",
      version,
      summary: "Sync server for PostgreSQL, and its administration",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: origin }],
    tags: [...tags].map((name) => ({ name })),
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, methods]) => [
        path,
        Object.fromEntries(
          Object.entries(methods).map(([method, op]) => [
            method.toLowerCase(),
            operationObject(method, path, op),
          ]),
        ),
      ]),
    ),
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "lockstep_session",
          description: "Under https the cookie is named __Host-lockstep_session.",
        },
      },
      schemas: { Problem: schemaObject(problem, "output") },
      responses: Object.fromEntries(
        Object.entries(problemTexts).map(([status, description]) => [`Problem${status}`, {
          description,
          content: {
            "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
          },
        }]),
      ),
    },
  };
}

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string().describe("Stable; programs decide by it."),
  errors: z.array(
    z.object({ field: z.string(), message: z.string(), code: z.string().optional() }),
  ).optional(),
  request_id: z.string(),
}).describe("RFC 9457");

function operationObject(method: string, path: string, op: DocumentedOperation): Json {
  const parameters = [
    ...parametersOf("path", op.params),
    ...parametersOf("query", op.query),
    ...parametersOf("header", op.headers),
  ];
  const responses: Json = {};
  for (const [status, media] of Object.entries(op.answers)) {
    responses[status] = media === null
      ? { description: "Done" }
      : { description: "Done", content: contentOf(media, "output") };
  }
  for (const status of op.problems) {
    responses[String(status)] ??= { $ref: `#/components/responses/Problem${status}` };
  }
  return {
    operationId: operationId(method, path),
    summary: op.summary,
    ...(op.description ? { description: op.description } : {}),
    tags: [op.tag],
    security: op.security.map((name) => ({ [name]: [] })),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(op.body ? { requestBody: { required: true, content: contentOf(op.body, "input") } } : {}),
    responses,
  };
}

/** As `getApiAdminUsersById`: stable while the path is. */
function operationId(method: string, path: string): string {
  const words = path.replaceAll(/\{(\w+)\}/g, "by $1").split(/[^A-Za-z0-9]+/).filter(Boolean);
  return method.toLowerCase() + words.map((word) => word[0].toUpperCase() + word.slice(1)).join("");
}

function parametersOf(place: "path" | "query" | "header", schema: z.ZodType | undefined): Json[] {
  if (!schema) return [];
  // What a parameter is once it is read: an integer, not the digits that the URL has.
  const object = schemaObject(schema, "output") as {
    properties?: Record<string, Json>;
  };
  const required = (schemaObject(schema, "input") as { required?: string[] }).required ?? [];
  return Object.entries(object.properties ?? {}).map(([name, { description, ...rest }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(description ? { description } : {}),
    schema: rest,
  }));
}

function contentOf(media: Record<string, z.ZodType>, io: "input" | "output"): Json {
  return Object.fromEntries(
    Object.entries(media).map(([type, schema]) => [type, { schema: schemaObject(schema, io) }]),
  );
}

function schemaObject(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
  });
  return rest;
}

export interface OperationParts {
  parameters: {
    name: string;
    place: string;
    type: string;
    required: boolean;
    description: string;
  }[];
  bodies: { title: string; schema: string }[];
  answers: { title: string; schema: string }[];
}

/** What a page shows of an operation. */
export function operationParts(op: DocumentedOperation): OperationParts {
  const places = { path: op.params, query: op.query, header: op.headers } as const;
  const parameters = Object.entries(places).flatMap(([place, schema]) =>
    parametersOf(place as keyof typeof places, schema).map((parameter) => ({
      name: String(parameter.name),
      place,
      type: typeName(parameter.schema as Json),
      required: parameter.required === true,
      description: String(parameter.description ?? ""),
    }))
  );
  const text = (schema: z.ZodType, io: "input" | "output") =>
    JSON.stringify(schemaObject(schema, io), null, 2);
  return {
    parameters,
    bodies: Object.entries(op.body ?? {}).map(([type, schema]) => ({
      title: `Body: ${type}`,
      schema: text(schema, "input"),
    })),
    answers: Object.entries(op.answers).flatMap(([status, media]) =>
      media === null
        ? [{ title: `${status}: no body`, schema: "" }]
        : Object.entries(media).map(([type, schema]) => ({
          title: `${status}: ${type}`,
          schema: text(schema, "output"),
        }))
    ),
  };
}

function typeName(schema: Json): string {
  if (Array.isArray(schema.enum)) return schema.enum.join(" | ");
  return [schema.type, schema.format].filter(Boolean).join(", ");
}
