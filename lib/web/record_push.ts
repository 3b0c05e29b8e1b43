import type { Membership, Principal } from "../access/mod.ts";
import { memoryMb } from "../observe/mod.ts";
import type { PushOutcome, RawObject } from "../sync/mod.ts";
import type { Services } from "./services.ts";

/** Who pushed what, as the sync log has it. */
export interface PushNote {
  principal: Principal;
  membership: Membership;
  device: string;
  clientVersion: string;
  requestId: string;
  /** Number of records. */
  count: number;
  /** Records to keep in the log, where the setting asks for it. */
  sample?: RawObject[];
  /** `performance.now()` at its begin. */
  started: number;
}

/** Notes a push in metrics and sync log, off the request's path; `ended` is its outcome or its error. */
export function recordPush(
  { metrics, recorder }: Services,
  note: PushNote,
  ended: PushOutcome | Error,
): void {
  const { principal, membership, device, clientVersion, requestId, count, sample } = note;
  const processingTime = (performance.now() - note.started) / 1000;
  const failed = ended instanceof Error;
  const errors = failed ? [] : ended.errors;
  const status = failed || errors.length > 0 && ended.successCount === 0
    ? "ERROR"
    : errors.length > 0
    ? "WARNING"
    : "SUCCESS";
  const counts = failed ? {} : Object.fromEntries(
    [...ended.processed].map(([name, { created, updated, deleted }]) => [
      name,
      created + updated + deleted,
    ]),
  );
  metrics.sync("PUSH", status, processingTime, counts);
  recorder.record({
    userId: principal.userId,
    organizationId: membership.organization.id,
    user: principal.username,
    organization: membership.organization.name,
    device,
    clientVersion,
    requestId,
    operation: "PUSH",
    status,
    models: Object.entries(counts).map(([name, count]) => ({ name, count })),
    errorMessage: failed
      ? ended.message
      : errors.slice(0, 10).map(({ index, message }) => `Record ${index}: ${message}`).join(" "),
    requestData: sample && { data: sample.slice(0, 20).map(({ raw }) => raw) },
    processingTime,
    batchSize: count,
    queryCount: failed ? 0 : ended.queries,
    memoryMb: memoryMb(),
  });
}
