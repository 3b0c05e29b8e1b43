import { redact, redactText } from "../log/mod.ts";

export type Operation = "PUSH" | "PULL";
export type SyncStatus = "SUCCESS" | "ERROR" | "WARNING";

/** What one request did with one model. */
export interface ModelEntry {
  name: string;
  /** Rows that were written or sent. */
  count: number;
  /** Default: the request's. */
  status?: SyncStatus;
  errorMessage?: string;
  /** Seconds that this model alone took, where they were measured. */
  processingTime?: number;
}

/** One push or pull as the request path reports it. */
export interface SyncEntry {
  /** Null when the request failed before it was known who asks. */
  userId: number | null;
  organizationId: number | null;
  /** Names for the log. Without them it gets no line. */
  user?: string;
  organization?: string;
  device?: string;
  clientVersion?: string;
  requestId: string;
  operation: Operation;
  status: SyncStatus;
  models: ModelEntry[];
  errorMessage?: string;
  /** The request's body, parsed or as text; stored redacted and cut. */
  requestData?: unknown;
  /** Seconds. */
  processingTime: number;
  /** Records of a push, the batch size of a pull. */
  batchSize: number;
  queryCount: number;
  /** Resident memory of the process in MB, where it was measured. */
  memoryMb?: number | null;
  /** Whether a pull brought every model to its end. */
  complete?: boolean;
  /** The cursors that were given out, by model. */
  cursors?: Record<string, string>;
}

/** A row of `sync_log`, and of `performance_metric` for what succeeded. */
export interface LogRow {
  user_id: number | null;
  organization_id: number | null;
  device: string;
  request_id: string;
  operation: Operation;
  status: SyncStatus;
  model_name: string;
  object_count: number;
  error_message: string;
  request_data: unknown;
  timestamp: string;
  processing_time: number;
  batch_size: number;
  query_count: number;
  memory_usage: number | null;
}

/** An entry ready to be written: its rows, and what it adds to the metadata and to its device. */
export interface PreparedEntry {
  rows: LogRow[];
  synced: { model_name: string; count: number }[];
  user_id: number | null;
  organization_id: number | null;
  timestamp: string;
  device: string;
  client_version: string;
  operation: Operation;
  complete: boolean;
  error: string;
  cursors: Record<string, string>;
}

const maxRequestData = 4000;

/**
 * Gives an entry a log row for each model with rows or a trouble of its own, or else one for the
 * request as a whole, so that a pull that finds nothing new leaves one row and not one per model.
 */
export function prepareEntry(entry: SyncEntry, now: Date): PreparedEntry {
  const timestamp = now.toISOString();
  const error = redactText(entry.errorMessage ?? "");
  const device = redactText(entry.device ?? "").slice(0, 200);
  const request_data = requestData(entry.requestData);
  const row = (model: Partial<ModelEntry>, model_name: string): LogRow => ({
    user_id: entry.userId,
    organization_id: entry.organizationId,
    device,
    request_id: entry.requestId,
    operation: entry.operation,
    status: model.status ?? entry.status,
    model_name: model_name.slice(0, 200).toWellFormed(),
    object_count: model.count ?? 0,
    error_message: model.errorMessage === undefined ? error : redactText(model.errorMessage),
    request_data,
    timestamp,
    processing_time: model.processingTime ?? entry.processingTime,
    batch_size: model.count ?? entry.batchSize,
    query_count: entry.queryCount,
    memory_usage: entry.memoryMb ?? null,
  });
  const active = entry.models.filter(({ count, status }) => count > 0 || status !== undefined);
  const only = entry.models.length === 1 ? entry.models[0].name : "";
  return {
    rows: active.length > 0 ? active.map((model) => row(model, model.name)) : [row({}, only)],
    synced: entry.models
      .filter((model) => (model.status ?? entry.status) !== "ERROR")
      .map(({ name, count }) => ({ model_name: name.slice(0, 200), count })),
    user_id: entry.userId,
    organization_id: entry.organizationId,
    timestamp,
    device,
    client_version: redactText(entry.clientVersion ?? "").slice(0, 200),
    operation: entry.operation,
    complete: entry.complete ?? false,
    error: entry.status === "SUCCESS" ? "" : error,
    cursors: entry.cursors ?? {},
  };
}

function requestData(value: unknown): unknown {
  if (value === undefined) return null;
  const safe = redact(value);
  const text = JSON.stringify(safe) ?? "null";
  return text.length <= maxRequestData
    ? safe
    : { truncated: true, start: text.slice(0, maxRequestData).toWellFormed() };
}
