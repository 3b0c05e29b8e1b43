import { type ModelPage, type PullPage } from "../sync/mod.ts";
import { problemBody } from "./problem.ts";

const encoder = new TextEncoder();

/** The answer to a pull, as one piece of bytes: the records stay as PostgreSQL wrote them. */
export function pullAnswer(
  page: PullPage,
  batchSize: number,
  requestId: string,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const text = (value: string) => parts.push(encoder.encode(value));
  text('{"data":[');
  let first = true;
  for (const { records } of page.models) {
    for (const record of records) {
      if (!first) parts.push(comma);
      first = false;
      parts.push(record);
    }
  }
  text('],"deleted":{');
  const removing = page.models.filter(({ removed }) => removed.length > 0);
  removing.forEach(({ name, removed }, i) => {
    text(`${i > 0 ? "," : ""}${JSON.stringify(name)}:[`);
    removed.forEach((key, j) => {
      if (j > 0) parts.push(comma);
      parts.push(key);
    });
    text("]");
  });
  const total = page.models.reduce((sum, { count }) => sum + count, 0);
  text(`},${
    JSON.stringify({
      metadata: pullMetadata(page, requestId),
      batch_info: { batch_size: batchSize, total_records: total },
      complete: page.complete,
      as_of: page.asOf,
    }).slice(1)
  }`);
  return concat(parts);
}

const comma = encoder.encode(",");

export function pullMetadata(page: PullPage, requestId: string): Record<string, unknown> {
  return Object.fromEntries(page.models.map((model) => [model.name, metadata(model, requestId)]));
}

function metadata(model: ModelPage, requestId: string): Record<string, unknown> {
  if (model.error) return { count: 0, error: problemBody(model.error, requestId) };
  return {
    count: model.count,
    last_sync: model.lastSync,
    user_last_sync: model.userLastSync,
    cursor: model.cursor,
    has_more: model.hasMore,
    ...(model.reset ? { reset: true } : {}),
    ...(model.checksum ? { checksum: model.checksum } : {}),
  };
}

export function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
