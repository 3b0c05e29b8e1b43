/** Through which side a change came. Direct SQL is marked by the database itself. */
export type Source = "api" | "admin" | "cli" | "job";

/** Who makes the changes of a transaction. */
export interface Actor {
  /** Of the user, or null for a job. */
  id: number | null;
  /** The username, or the job's name. */
  name: string;
  source: Source;
  requestId?: string;
}

/**
 * The settings that make the triggers attribute a transaction's changes to `actor`, for
 * `Database.transaction({ settings })`. Without them an event says source `sql` and the database
 * role, which every event also carries.
 */
export function actorSettings(actor: Actor): Record<string, string> {
  return {
    "lockstep.actor_id": actor.id === null ? "" : String(actor.id),
    "lockstep.actor": actor.name,
    "lockstep.source": actor.source,
    "lockstep.request_id": actor.requestId ?? "",
  };
}
