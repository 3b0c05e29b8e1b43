import type { BulkJob } from "../jobs/mod.ts";

/** How far a bulk push is. Its result is JSON text already. */
export function bulkAnswer({ id, state, done, total, result, error, ...times }: BulkJob): Response {
  const { createdAt, startedAt, finishedAt } = times;
  const head = JSON.stringify({
    id,
    state,
    progress: { done, total },
    created_at: createdAt,
    started_at: startedAt,
    finished_at: finishedAt,
    ...(error === null ? {} : { error }),
  });
  const body = result === null ? head : `${head.slice(0, -1)},"result":${result}}`;
  return new Response(body, {
    headers: { "Content-Type": "application/json", "Cache-Control": "no-store" },
  });
}
