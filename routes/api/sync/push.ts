import type { Context } from "fresh";
import { LockstepError } from "../../../lib/errors/mod.ts";
import type { Catalog } from "../../../lib/models/mod.ts";
import {
  type IdempotencyScope,
  once,
  push,
  type PushOptions,
  type PushOutcome,
  type RawObject,
  requestHash,
  storeAnswer,
} from "../../../lib/sync/mod.ts";
import {
  bearer,
  define,
  idempotencyKey,
  jsonPush,
  mediaType,
  ndjsonPush,
  type PushAnswer,
  pushAnswer,
  pushContext,
  readText,
  recordPush,
  type State,
  type SyncCaller,
  syncCaller,
} from "../../../lib/web/mod.ts";

export const handler = define.handlers({
  async POST(ctx) {
    const known = await bearer(ctx);
    const { SYNC } = known.settings;
    const { catalog: models } = ctx.state.services;
    const key = idempotencyKey(ctx.req);
    const type = mediaType(ctx.req);
    if (type === "application/x-ndjson" || type === "application/ndjson") {
      const caller = await syncCaller(ctx, known, undefined);
      const lines = ndjsonPush(
        ctx.req,
        ctx.url,
        SYNC,
        ctx.state.requestId,
        async (part, options, number) => {
          const scope = key === undefined ? undefined : `${key}/${number}`;
          return await write(ctx, caller, await models.current(), part, options, scope);
        },
      );
      return new Response(await lines, {
        headers: { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" },
      });
    }
    if (type !== "application/json" && type !== "") {
      throw new LockstepError(
        "unsupported_media_type",
        `The Content-Type ${type.slice(0, 60)} is not supported. Send application/json, or ` +
          "application/x-ndjson with a record on each line.",
      );
    }
    const envelope = jsonPush(await readText(ctx.req, SYNC.MAX_BODY_BYTES), SYNC);
    const [caller, catalog] = await Promise.all([
      syncCaller(ctx, known, envelope.organization),
      models.current(),
    ]);
    const { objects } = envelope;
    const { status, body, replayed } = await write(ctx, caller, catalog, objects, envelope, key);
    return new Response(body, {
      status,
      headers: {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        ...(replayed ? { "Idempotency-Replayed": "true" } : {}),
      },
    });
  },
});

/** Writes records in one transaction together with the answer, if it may be asked for again. */
async function write(
  ctx: Context<State>,
  caller: SyncCaller,
  catalog: Catalog,
  objects: RawObject[],
  options: PushOptions,
  key: string | undefined,
): Promise<PushAnswer & { replayed: boolean; outcome?: PushOutcome }> {
  const started = performance.now();
  const { services } = ctx.state;
  const { principal, membership } = caller;
  const context = pushContext(ctx.state, caller, catalog);
  const scope: IdempotencyScope | undefined = key === undefined ? undefined : {
    userId: principal.userId,
    organizationId: membership.organization.id,
    key,
    requestHash: requestHash(
      JSON.stringify([options.atomic, options.returns]),
      ...objects.map(({ raw }) => raw),
    ),
  };
  const { requestId } = ctx.state;
  const sample = caller.settings.SYNC.LOG_REQUEST_DATA ? objects : undefined;
  const note = { ...caller, requestId, count: objects.length, sample, started };
  let outcome: PushOutcome | undefined;
  try {
    const answer = await once(
      services.db,
      scope,
      () =>
        push(context, objects, options, async (tx, result) => {
          outcome = result;
          const answer = pushAnswer(result, options.atomic, performance.now() - started);
          if (scope) await storeAnswer(tx, scope, answer);
          return answer;
        }),
    );
    // An answer that was given before is no second push.
    if (outcome) recordPush(services, note, outcome);
    return { ...answer, outcome };
  } catch (error) {
    recordPush(services, note, error as Error);
    throw error;
  }
}
