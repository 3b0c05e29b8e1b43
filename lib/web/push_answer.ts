import type { PushOutcome, RecordError, RecordResult } from "../sync/mod.ts";

export interface PushAnswer {
  status: number;
  body: string;
}

/** The answer to a push. `milliseconds` is the time that it took. */
export function pushAnswer(
  outcome: PushOutcome,
  atomic: boolean,
  milliseconds: number,
): PushAnswer {
  const { successCount, errors, processed, results, spellings } = outcome;
  const spelled = (name: string) => spellings.get(name) ?? name;
  const status = errors.length === 0 ? "success" : successCount > 0 ? "partial_success" : "error";
  const head = JSON.stringify({
    status,
    success_count: successCount,
    error_count: errors.length,
    processed_models: Object.fromEntries(
      [...processed].map(([name, { created, updated, deleted }]) => [spelled(name), {
        created,
        updated,
        ...(deleted > 0 ? { deleted } : {}),
      }]),
    ),
    processing_time: Math.round(milliseconds) / 1000,
  });
  const parts = [head.slice(0, -1)];
  if (results) {
    parts.push(`,"results":[${results.map((one) => resultText(one, spelled)).join(",")}]`);
  }
  if (errors.length > 0) {
    parts.push(`,"errors":[${errors.map((one) => errorText(one, spelled)).join(",")}]`);
  }
  const conflict = atomic && errors.some(({ code }) => code === "conflict");
  return {
    status: status !== "error" ? 200 : conflict ? 409 : 422,
    body: `${parts.join("")}}`,
  };
}

/** Ids and rows are JSON text already. */
function resultText(
  { index, model, id, action, version, clientId, record }: RecordResult,
  spelled: (name: string) => string,
): string {
  const rest = JSON.stringify({ action, version, client_id: clientId });
  return `{"index":${index},"model":${JSON.stringify(spelled(model))},"id":${id},${
    rest.slice(1, -1)
  }${record === undefined ? "" : `,"record":${record}`}}`;
}

function errorText(
  { server, ...error }: RecordError,
  spelled: (name: string) => string,
): string {
  const text = JSON.stringify({ ...error, model: spelled(error.model) });
  return server === undefined ? text : `${text.slice(0, -1)},"server":${server ?? "null"}}`;
}
