import type { Context, RouteHandler } from "fresh";
import { z } from "zod";
import {
  type AccessPreview,
  type AdminScope,
  adminScope,
  previewAccess,
  type Principal,
  requireAll,
} from "../access/mod.ts";
import { type Actor, actorSettings } from "../audit/mod.ts";
import type { Settings } from "../config/mod.ts";
import { sqlError, type Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog } from "../models/mod.ts";
import { readText } from "./body.ts";
import type { State } from "./define.ts";
import { parse, parseJson } from "./parse.ts";
import { requirePlain } from "./plain_json.ts";
import { accessPreview } from "./preview_schema.ts";
import { bearer } from "./sync_caller.ts";

/** Largest body of a request to the admin API. */
const largestBody = 4 * 1024 * 1024;

/** A request to the admin API, checked and authorized. */
export interface AdminCall<Params, Query, Body> {
  ctx: Context<State>;
  principal: Principal;
  scope: AdminScope;
  settings: Settings;
  catalog: Catalog;
  actor: Actor;
  params: Params;
  query: Query;
  body: Body;
  /** What `If-Match` names; `*` where the operation asks for none. */
  version: string;
  /**
   * Runs a change in one transaction that the audit trail attributes to the caller.
   *
   * @throws Previewed instead of committing, where the caller asked for a preview
   */
  change<T>(
    fn: (tx: Transaction) => Promise<T>,
    organizationIds?: (tx: Transaction) => Promise<number[]>,
  ): Promise<T>;
}

/** What a route of the admin API does for one method, and how it is documented. */
export interface AdminOperation<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> {
  /** A short sentence without a full stop. */
  summary: string;
  description?: string;
  tag: string;
  /** Who may: staff and superusers, or also those who administer an organization. */
  access: "staff" | "administrators";
  params?: Params;
  query?: Query;
  body?: Body;
  /** The change needs the version that was read, in `If-Match`. */
  ifMatch?: boolean;
  /** Further headers that `run` reads, for the documentation. */
  headers?: z.ZodObject;
  /** `?preview=true` answers what the change would do to rows and devices, and changes nothing. */
  preview?: boolean;
  /** Status of the answer. Default 200. */
  status?: number;
  /** The answer's body. Absent: there is none. */
  answer?: z.ZodType;
  /** Media types of an answer that is not JSON. */
  media?: string[];
  /** Gives the answer's body, or the whole response. A `version` member becomes the ETag. */
  run(call: AdminCall<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<unknown>;
}

export type AdminOperations = {
  [method in "GET" | "POST" | "PUT" | "PATCH" | "DELETE"]?: AdminOperation;
};

/** Infers the types of the call from the schemas. */
export function operation<
  Params extends z.ZodType = z.ZodObject,
  Query extends z.ZodType = z.ZodObject,
  Body extends z.ZodType = z.ZodObject,
>(given: AdminOperation<Params, Query, Body>): AdminOperation {
  return given as unknown as AdminOperation;
}

const none = z.strictObject({});
const previewFlag = z.enum(["true", "false"]).optional();

/**
 * The handlers of a route's operations. Every request to the admin API takes this one way: who it is,
 * what they administer, what they ask, and only then what is done.
 */
export function adminHandlers(operations: AdminOperations): RouteHandler<unknown, State> {
  return Object.fromEntries(
    Object.entries(operations).map(([method, op]) => [
      method,
      (ctx: Context<State>) => answer(ctx, op),
    ]),
  );
}

async function answer(ctx: Context<State>, op: AdminOperation): Promise<Response> {
  const { services, requestId } = ctx.state;
  const { principal, settings, source } = await callerOf(ctx);
  const scope = await adminScope(services.db, principal);
  if (op.access === "staff") requireAll(scope);
  const given: Record<string, string> = Object.fromEntries(ctx.url.searchParams);
  const { preview, ...query } = op.preview ? given : { ...given, preview: undefined };
  const checked = {
    params: parse(op.params ?? none, plain(ctx.params, "path")),
    query: parse(op.query ?? none, plain(op.preview ? query : given, "query")),
    body: op.body ? parse(op.body, await jsonBody(ctx.req)) : {},
  };
  const version = op.ifMatch ? ifMatch(ctx.req) : "*";
  const actor: Actor = {
    id: source === "cli" ? null : principal.userId,
    name: principal.username,
    source,
    requestId,
  };
  const catalog = await services.catalog.current();
  const call: AdminCall<unknown, unknown, unknown> = {
    ctx,
    principal,
    scope,
    settings,
    catalog,
    actor,
    version,
    ...checked,
    async change(fn, organizationIds) {
      if (parse(previewFlag, preview) === "true") {
        if (!organizationIds) throw new Error("The operation cannot be previewed");
        const ids = await services.db.transaction({ readOnly: true }, organizationIds);
        throw new Previewed(await previewAccess(services.db, catalog, ids, fn));
      }
      return await services.db.transaction(
        { settings: actorSettings(actor), retries: 3 },
        fn,
      );
    },
  };
  try {
    return respond(op, await op.run(call));
  } catch (error) {
    if (error instanceof Previewed) return json(accessPreview(error.preview));
    throw refusal(error);
  }
}

/** What PostgreSQL refused for its values is the request's fault, not the server's. */
export function refusal(cause: unknown): unknown {
  const code = sqlError(cause)?.code;
  if (code?.startsWith("22")) {
    const message = "A value is out of the range that the database can hold.";
    return new LockstepError("invalid_value", message, { cause });
  }
  if (code?.startsWith("23")) {
    const message =
      "The change contradicts rows that were written meanwhile. Read again, and decide.";
    return new LockstepError("conflict", message, { cause });
  }
  return cause;
}

/** Ends a change that was to be previewed only. */
class Previewed extends Error {
  constructor(readonly preview: AccessPreview) {
    super("The change was previewed");
  }
}

/** By bearer token, as the sync API, or by the session cookie; `pageSession` has checked its origin. */
async function callerOf(
  ctx: Context<State>,
): Promise<{ principal: Principal; settings: Settings; source: "api" | "admin" | "cli" }> {
  const { user, services } = ctx.state;
  if (services.console) {
    const settings = await services.settings.current();
    return { principal: services.console, settings, source: "cli" };
  }
  if (user && !ctx.req.headers.has("Authorization")) {
    return { principal: user, settings: await services.settings.current(), source: "admin" };
  }
  return { ...await bearer(ctx), source: "api" };
}

async function jsonBody(req: Request): Promise<unknown> {
  const text = await readText(req, largestBody);
  return text.trim() === "" ? {} : plain(parseJson(text), "body");
}

function plain<T>(value: T, field: string): T {
  requirePlain(value, field);
  return value;
}

/** The one version that `If-Match` names (RFC 9110, section 13.1.1), or `*`. */
function ifMatch(req: Request): string {
  const given = req.headers.get("If-Match")?.trim();
  if (!given) {
    throw new LockstepError(
      "precondition_required",
      "Send the version that you read in If-Match: the ETag of the answer to GET, or * to change " +
        "whichever there is.",
    );
  }
  const [, version] = /^"([\x21\x23-\x7e]{1,100})"$/.exec(given) ?? [];
  if (given === "*") return "*";
  if (version !== undefined) return version;
  throw new LockstepError(
    "precondition_failed",
    "If-Match must be one strong ETag, in quotation marks, or *.",
  );
}

function respond(op: AdminOperation, result: unknown): Response {
  if (result instanceof Response) return result;
  if (!op.answer) {
    return new Response(null, { status: 204, headers: { "Cache-Control": "no-store" } });
  }
  return json(result, op.status);
}

function json(body: unknown, status = 200): Response {
  const headers = new Headers({ "Cache-Control": "no-store" });
  const version = (body as { version?: unknown } | null)?.version;
  if (typeof version === "string") headers.set("ETag", `"${version}"`);
  return Response.json(body, { status, headers });
}
