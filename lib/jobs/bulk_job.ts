/** A large push that is written in the background, in parts. */
export type BulkState = "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** Who pushed, from where, and in which request. */
export interface BulkOrigin {
  userId: number;
  organizationId: number;
  device: string;
  clientVersion: string;
  requestId: string;
}

/** A bulk push as it is stored. */
export interface BulkJob extends BulkOrigin {
  id: string;
  state: BulkState;
  /** Records that were dealt with, and all of them. */
  done: number;
  total: number;
  /** JSON text: the answer to a push, over all parts so far; null before the first. */
  result: string | null;
  error: string | null;
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** Consecutive records of a bulk push. */
export interface BulkPart {
  /** Position of the first record in the push. */
  first: number;
  count: number;
  /** JSON text: an array. */
  records: string;
}
