/**
 * Editing together: rooms over WebSockets, edit locks with fencing tokens, presence, attention
 * requests and chat.
 *
 * @module
 */
export { purgeChat } from "./chat_archive.ts";
export type { ForcedTakeOver } from "./context.ts";
export { EditLocks, type GrantResult } from "./edit_locks.ts";
export { assertFencing } from "./fencing.ts";
export { CollabHub, type HubSettings, type RecordPlace } from "./hub.ts";
export type { CollabIdentity, Standing } from "./identity.ts";
export { MemoryStore } from "./memory_store.ts";
export * from "./options.ts";
export { RedisStore } from "./redis_store.ts";
export * from "./store.ts";
export { upgradeCollabSocket } from "./upgrade.ts";
