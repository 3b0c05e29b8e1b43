import { z } from "zod";
import type { DocumentedOperation, DocumentedPaths } from "./openapi.ts";

const json = (schema: z.ZodType) => ({ "application/json": schema });
const lines = (schema: z.ZodType) => ({ "application/x-ndjson": schema });
const code = z.string().describe("Stable; programs decide by it.");
const row = z.record(z.string(), z.unknown());

/** The body of the token request. */
export const tokenRequest = z.strictObject({
  username: z.string().max(1000),
  password: z.string().max(10_000),
  organization: z.string().max(50).optional().describe(
    "Slug of the organization that requests with this token mean when they name none.",
  ),
});

export const refreshRequest = z.strictObject({ refresh_token: z.string().min(1).max(1000) });

export const revokeRequest = z.strictObject({
  refresh_token: z.string().min(1).max(1000).optional(),
  all: z.boolean().optional().describe("Every token of the user, not this one alone."),
});

/** The body of a pull. */
export const pullRequest = z.strictObject({
  models: z.record(z.string(), z.string().max(100_000).nullable()).describe(
    "Model to position: null from the start, a time, or a cursor.",
  ),
  batch_size: z.int().min(1).max(10_000).optional().describe("Most rows per model in one answer."),
  organization: z.string().max(50).optional(),
  fields: z.record(z.string(), z.array(z.string().max(200)).max(2000)).optional().describe(
    "Columns per model.",
  ),
  checksum: z.boolean().optional().describe("Whether to answer count and hash of the scope."),
});

export const pullQuery = z.strictObject({
  numbers: z.enum(["strings"]).optional().describe(
    "Numbers that a double cannot hold come as strings.",
  ),
});

const pushRequest = z.strictObject({
  data: z.array(
    z.looseObject({
      _model: z.string(),
      _op: z.enum(["upsert", "delete"]).optional(),
      _client_id: z.string().optional().describe("Names a new record that has no key yet."),
      _version: z.string().optional().describe(
        "The version that was pulled: a newer one conflicts.",
      ),
      _base: row.optional().describe("Old values of the changed columns, for the policy merge."),
    }),
  ),
  organization: z.string().max(50).optional(),
  atomic: z.boolean().optional().describe("All or nothing."),
  return: z.enum(["auto", "none", "ids", "records"]).optional(),
});

const tokenAnswer = z.object({
  token: z.string(),
  user: z.object({ id: z.int(), username: z.string(), email: z.string() }),
  organizations: z.array(z.object({
    id: z.int(),
    name: z.string(),
    slug: z.string(),
    group: z.string().describe("The first group."),
    groups: z.array(z.string()),
  })),
  refresh_token: z.string(),
  expires_at: z.iso.datetime(),
});

const problem = z.looseObject({ code, detail: z.string() });

const pushAnswer = z.object({
  status: z.enum(["success", "partial_success", "error"]),
  success_count: z.int(),
  error_count: z.int(),
  processed_models: z.record(
    z.string(),
    z.object({ created: z.int(), updated: z.int(), deleted: z.int().optional() }),
  ),
  processing_time: z.number().describe("Seconds."),
  results: z.array(z.object({
    index: z.int(),
    model: z.string(),
    id: z.unknown(),
    action: z.enum(["created", "updated", "deleted", "unchanged"]),
    version: z.string().optional(),
    client_id: z.string().optional(),
    record: row.optional(),
  })).optional(),
  errors: z.array(z.object({
    index: z.int(),
    model: z.string(),
    id: z.unknown().optional(),
    client_id: z.string().optional(),
    code,
    message: z.string(),
    field: z.string().optional(),
    retry: z.boolean().describe("Whether sending it again can help."),
    quarantine_id: z.int().optional(),
    server: row.nullable().optional(),
  })).optional(),
});

const pullAnswer = z.object({
  data: z.array(z.looseObject({ _model: z.string(), _version: z.string() })),
  deleted: z.record(z.string(), z.array(z.unknown())).describe(
    "Keys of deleted rows, and of those that left the scope.",
  ),
  metadata: z.record(
    z.string(),
    z.object({
      count: z.int(),
      last_sync: z.iso.datetime().optional(),
      user_last_sync: z.iso.datetime().nullable().optional(),
      cursor: z.string().optional(),
      has_more: z.boolean().optional(),
      reset: z.literal(true).optional().describe("Drop what you hold of this model, then apply."),
      checksum: z.object({ count: z.int(), hash: z.string() }).optional(),
      error: problem.optional(),
    }),
  ),
  batch_info: z.object({ batch_size: z.int(), total_records: z.int() }),
  complete: z.boolean().describe("The client's rows are now exactly the database as of `as_of`."),
  as_of: z.iso.datetime(),
});

const column = z.object({
  type: z.string(),
  nullable: z.boolean(),
  max_length: z.int().optional(),
  enum: z.array(z.string()).optional(),
  references: z.string().optional(),
  read_only: z.boolean(),
});

const me = z.object({
  user: z.object({ id: z.int(), username: z.string(), email: z.string() }),
  organizations: z.array(z.object({
    id: z.int(),
    slug: z.string(),
    name: z.string(),
    groups: z.array(z.string()),
    models: z.record(
      z.string(),
      z.object({
        push: z.boolean(),
        pull: z.boolean(),
        filtered: z.boolean(),
        key: z.array(z.string()),
        columns: z.record(z.string(), column),
      }),
    ),
  })),
});

const health = z.object({
  status: z.enum(["healthy", "unhealthy"]),
  timestamp: z.iso.datetime(),
  checks: z.record(z.string(), z.string()),
});

const performance = z.looseObject({
  performance_stats: z.looseObject({}),
  current_memory_usage: z.number().describe("MiB."),
  cache_stats: z.object({ cache_hits: z.int(), cache_misses: z.int() }),
  optimization_suggestions: z.array(z.string()),
});

const quarantined = z.looseObject({
  id: z.int(),
  model: z.string(),
  code,
  message: z.string(),
  state: z.enum(["open", "replayed", "discarded"]),
});

const bulkJob = z.object({
  id: z.uuid(),
  state: z.enum(["queued", "running", "succeeded", "failed", "cancelled"]),
  progress: z.object({ done: z.int(), total: z.int() }),
  result: z.unknown().optional(),
  error: z.unknown().optional(),
});

const organizationHeader = {
  "X-Organization": z.string().max(50).optional().describe(
    "Slug of the organization. A user of several has to name one, here or in the body.",
  ),
};
const callerHeaders = z.object({
  ...organizationHeader,
  "X-Device": z.string().max(200).optional().describe("Name of the device."),
});
const pushHeaders = callerHeaders.extend({
  "Idempotency-Key": z.string().max(150).optional().describe(
    "The same key gives the stored answer again.",
  ),
  "Content-Encoding": z.enum(["gzip", "identity"]).optional(),
});
const idParams = z.object({ id: z.int() });
const organizationQuery = z.object({ organization: z.string().optional() });

type Method = [path: string, method: string, operation: DocumentedOperation];

const bearer: DocumentedOperation["security"] = ["bearer"];

const operations: Method[] = [
  ["/api/openapi.json", "GET", {
    summary: "This document",
    tag: "Documentation",
    security: [],
    answers: { 200: json(z.record(z.string(), z.unknown())) },
    problems: [],
  }],
  ["/api/sync/auth/token/", "POST", {
    summary: "Get a token for username and password",
    tag: "Tokens",
    security: [],
    body: { ...json(tokenRequest), "application/x-www-form-urlencoded": tokenRequest },
    answers: { 200: json(tokenAnswer) },
    problems: [400, 401, 403, 413, 429],
  }],
  ["/api/sync/auth/refresh/", "POST", {
    summary: "Exchange a refresh token for new tokens",
    description:
      "Each refresh token is good for one exchange; one that comes back later revokes all.",
    tag: "Tokens",
    security: [],
    body: json(refreshRequest),
    answers: { 200: json(tokenAnswer) },
    problems: [400, 401, 413],
  }],
  ["/api/sync/auth/revoke/", "POST", {
    summary: "Revoke tokens",
    description: "The one that the request carries, a refresh token, or all of the user.",
    tag: "Tokens",
    security: bearer,
    body: json(revokeRequest),
    answers: { 204: null },
    problems: [400, 401, 413],
  }],
  ["/api/sync/push/", "POST", {
    summary: "Push records",
    description:
      "Good records are kept and bad ones reported, unless atomic. As NDJSON each line is a " +
      "record, and the answer has a line per batch and a last one with the totals.",
    tag: "Sync",
    security: bearer,
    headers: pushHeaders,
    query: z.object({ return: z.enum(["auto", "none", "ids", "records"]).optional() }),
    body: { ...json(pushRequest), ...lines(z.string()) },
    answers: { 200: { ...json(pushAnswer), ...lines(z.string()) }, 422: json(pushAnswer) },
    problems: [400, 401, 403, 409, 413, 415, 503],
  }],
  ["/api/sync/pull/", "POST", {
    summary: "Pull rows that changed since a position",
    tag: "Sync",
    security: bearer,
    headers: callerHeaders.extend({ Accept: z.string().optional() }),
    query: pullQuery,
    body: json(pullRequest),
    answers: { 200: { ...json(pullAnswer), ...lines(z.string()) } },
    problems: [400, 401, 403, 413, 503],
  }],
  ["/api/sync/events/", "GET", {
    summary: "Hear of changes as server-sent events",
    description: "`change` names models, `revoked` says that the right to know has ended.",
    tag: "Sync",
    security: bearer,
    headers: z.object({ ...organizationHeader, "Last-Event-ID": z.string().optional() }),
    query: organizationQuery.extend({
      models: z.string().optional().describe("Names with commas between; all when absent."),
    }),
    answers: { 200: { "text/event-stream": z.string() } },
    problems: [400, 401, 403],
  }],
  ["/api/sync/me/", "GET", {
    summary: "Where the caller may sync what",
    tag: "Sync",
    security: bearer,
    answers: { 200: json(me) },
    problems: [401],
  }],
  ["/api/sync/health/", "GET", {
    summary: "Health of the server and what it depends on",
    tag: "Health",
    security: [],
    answers: { 200: json(health), 503: json(health) },
    problems: [],
  }],
  ["/api/sync/health/live/", "GET", {
    summary: "Whether the process answers",
    tag: "Health",
    security: [],
    answers: { 200: json(z.object({ status: z.literal("live") })) },
    problems: [],
  }],
  ["/api/sync/health/ready/", "GET", {
    summary: "Whether requests should be sent here",
    tag: "Health",
    security: [],
    answers: {
      200: json(z.object({ status: z.literal("ready") })),
      503: json(z.object({ status: z.literal("not ready") })),
    },
    problems: [],
  }],
  ["/api/sync/performance/", "GET", {
    summary: "Measured performance and suggestions",
    tag: "Health",
    security: bearer,
    answers: { 200: json(performance) },
    problems: [401],
  }],
  ["/api/sync/quarantine/", "GET", {
    summary: "List refused records",
    description: "One's own; administrators see all of the organization.",
    tag: "Quarantine",
    security: bearer,
    headers: z.object(organizationHeader),
    query: organizationQuery.extend({
      state: z.enum(["open", "replayed", "discarded", "all"]).default("open"),
      model: z.string().max(200).optional(),
      before: z.string().optional().describe("The `next` of the page before."),
      limit: z.int().min(1).max(500).default(100),
    }),
    answers: { 200: json(z.object({ records: z.array(quarantined), next: z.int().nullable() })) },
    problems: [400, 401, 403],
  }],
  ["/api/sync/quarantine/{id}/", "GET", {
    summary: "Read a refused record",
    tag: "Quarantine",
    security: bearer,
    params: idParams,
    headers: z.object(organizationHeader),
    query: organizationQuery,
    answers: { 200: json(quarantined.extend({ record: row })) },
    problems: [401, 403, 404],
  }],
  ["/api/sync/quarantine/{id}/replay/", "POST", {
    summary: "Push a refused record again, repaired or as it is",
    tag: "Quarantine",
    security: bearer,
    params: idParams,
    headers: z.object(organizationHeader),
    query: organizationQuery,
    body: json(z.strictObject({ record: row.optional() })),
    answers: { 200: json(pushAnswer), 422: json(pushAnswer) },
    problems: [400, 401, 403, 404, 409, 413],
  }],
  ["/api/sync/quarantine/{id}/discard/", "POST", {
    summary: "Give a refused record up",
    tag: "Quarantine",
    security: bearer,
    params: idParams,
    headers: z.object(organizationHeader),
    query: organizationQuery,
    answers: { 200: json(quarantined) },
    problems: [401, 403, 404, 409],
  }],
  ["/api/sync/bulk/", "POST", {
    summary: "Queue a large push",
    tag: "Sync",
    security: bearer,
    headers: pushHeaders,
    body: { ...json(pushRequest), ...lines(z.string()) },
    answers: { 202: json(z.object({ id: z.uuid(), status_url: z.string() })) },
    problems: [400, 401, 403, 413, 415, 503],
  }],
  ["/api/sync/bulk/{id}/", "GET", {
    summary: "How far a queued push is",
    tag: "Sync",
    security: bearer,
    params: z.object({ id: z.uuid() }),
    answers: { 200: json(bulkJob) },
    problems: [401, 404],
  }],
  ["/api/sync/bulk/{id}/", "DELETE", {
    summary: "Cancel a queued push",
    tag: "Sync",
    security: bearer,
    params: z.object({ id: z.uuid() }),
    answers: { 200: json(bulkJob) },
    problems: [401, 404, 409],
  }],
];

/** The documentation of the sync API. */
export const syncPaths: DocumentedPaths = {};
for (const [path, method, operation] of operations) {
  (syncPaths[path] ??= {})[method] = operation;
}
