import { isStillValid } from "../../../lib/access/mod.ts";
import { LockstepError } from "../../../lib/errors/mod.ts";
import { memoryMb } from "../../../lib/observe/mod.ts";
import {
  type PullContext,
  pullFields,
  type PullPage,
  pullPage,
  type PullRequest,
} from "../../../lib/sync/mod.ts";
import {
  accepts,
  bearer,
  compressed,
  define,
  parse,
  parseJson,
  pullAnswer,
  PullFigures,
  pullQuery,
  pullRequest,
  pullStream,
  readText,
  type State,
  type SyncCaller,
  syncCaller,
} from "../../../lib/web/mod.ts";

const largestRequest = 4 * 1024 * 1024;
const mostModels = 1000;
/** Rows of one model between two cursor lines. */
const streamBatch = 5000;

export const handler = define.handlers({
  async POST(ctx) {
    const started = performance.now();
    const { services, requestId } = ctx.state;
    const known = await bearer(ctx);
    const { numbers } = parse(pullQuery, Object.fromEntries(ctx.url.searchParams));
    const given = parse(pullRequest, parseJson(await readText(ctx.req, largestRequest)));
    const names = Object.keys(given.models);
    if (names.length === 0 || names.length > mostModels) {
      throw new LockstepError(
        "invalid_value",
        `models: Name between 1 and ${mostModels} models, for example {"myapp.Customer": null}.`,
        { errors: [{ field: "models", message: `Between 1 and ${mostModels} models.` }] },
      );
    }
    const caller = await syncCaller(ctx, known, given.organization);
    const { SYNC } = caller.settings;
    const batchSize = given.batch_size ?? SYNC.DEFAULT_BATCH_SIZE;
    if (batchSize > SYNC.MAX_BATCH_SIZE) {
      throw new LockstepError(
        "invalid_value",
        `batch_size: ${batchSize} is more than the ${SYNC.MAX_BATCH_SIZE} that this server allows.`,
        { errors: [{ field: "batch_size", message: `At most ${SYNC.MAX_BATCH_SIZE}.` }] },
      );
    }
    const streaming = accepts(ctx.req, "application/x-ndjson");
    const context: PullContext = {
      ...services,
      ...caller,
      positionRetentionDays: SYNC.POSITION_RETENTION_DAYS,
    };
    const request: PullRequest = {
      models: new Map(Object.entries(given.models)),
      batchSize: streaming ? streamBatch : batchSize,
      fields: given.fields
        ? pullFields(names, given.fields, await services.catalog.current())
        : new Map(),
      checksum: given.checksum ?? false,
      numbersAsStrings: numbers === "strings",
      totals: streaming,
      separator: streaming ? "\n" : ",",
    };
    // A stream that was begun may outlast its token, but not the right to it.
    const goOn = async () => {
      const [{ membership }, valid] = await Promise.all([
        syncCaller(ctx, known, caller.membership.organization.slug),
        isStillValid(services.db, { ...caller.principal, expiresAt: undefined }),
      ]);
      if (!valid) throw new LockstepError("token_revoked", "The token has been revoked.");
      context.membership = membership;
    };
    const record = (figures: PullFigures, error?: unknown) =>
      recordPull(ctx.state, caller, request, figures, started, error);
    let first: PullPage;
    try {
      first = await pullPage(context, request);
    } catch (error) {
      record(new PullFigures(), error);
      throw error;
    }
    const headers = new Headers({ "Cache-Control": "no-store" });
    if (streaming) {
      headers.set("Content-Type", "application/x-ndjson");
      const body = pullStream(context, request, first, requestId, goOn, record);
      return compressed(ctx.req, body, headers);
    }
    record(new PullFigures().add(first));
    headers.set("Content-Type", "application/json");
    return compressed(ctx.req, pullAnswer(first, batchSize, requestId), headers);
  },
});

/** Notes what was pulled, off the request's path. */
function recordPull(
  { services, requestId }: State,
  { principal, membership, device, clientVersion, settings }: SyncCaller,
  request: PullRequest,
  figures: PullFigures,
  started: number,
  error: unknown,
): void {
  const processingTime = (performance.now() - started) / 1000;
  const { counts, refusals } = figures;
  const status = error ? "ERROR" : refusals.length > 0 ? "WARNING" : "SUCCESS";
  services.metrics.sync("PULL", status, processingTime, counts);
  services.recorder.record({
    userId: principal.userId,
    organizationId: membership.organization.id,
    user: principal.username,
    organization: membership.organization.name,
    device,
    clientVersion,
    requestId,
    operation: "PULL",
    status,
    models: Object.entries(counts).map(([name, count]) => ({ name, count })),
    errorMessage: error instanceof Error ? error.message : refusals.join(" "),
    requestData: settings.SYNC.LOG_REQUEST_DATA
      ? { models: Object.fromEntries(request.models), batch_size: request.batchSize }
      : undefined,
    processingTime,
    batchSize: request.batchSize,
    queryCount: figures.queries,
    memoryMb: memoryMb(),
    complete: figures.complete,
    cursors: figures.cursors,
  });
}
