import type { Context } from "fresh";
import { adminScope, type Principal, type Tenant } from "../access/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import type { Catalog, Model } from "../models/mod.ts";
import {
  type CollabPage,
  pageRoom,
  type RecordChangedMessage,
  recordRoom,
} from "../protocol/mod.ts";
import { isBytes, readRecord, type StoredRecord } from "../sync/mod.ts";
import type { State } from "./define.ts";
import { keyInPath, modelSegments, recordPath, recordsPath, visitReach } from "./page_records.ts";
import type { Services } from "./services.ts";

/** What is told of a change, and its room. */
export type RecordChange = Omit<RecordChangedMessage, "type">;

/** The room of a record, by its key as the database spells it. */
export function roomOfRecord(model: Model, key: readonly string[]): string {
  const [app, name] = modelSegments(model);
  return recordRoom(app, name, key.map(encodeURIComponent).join(","));
}

/** What the change page of a record is told about editing it together. */
export async function collabPage(
  { state }: Context<State>,
  model: Model,
  key: readonly string[],
): Promise<CollabPage> {
  const { COLLABORATION: options, CHAT } = await state.services.settings.current();
  const { user, scope } = state.admin!;
  const part = recordPath(model, key, "").slice(recordsPath.length).replace(/\/+$/, "");
  const page = pageRoom(recordPath(model, key)).slice("page:".length);
  return {
    room: `/admin/collaboration${part}/`,
    chat: options.ENABLE_CHAT ? `/admin/collaboration/chat/${encodeURIComponent(page)}/` : null,
    me: { id: user.userId, name: user.email || user.username },
    canForce: "all" in scope,
    grace: options.GRACE_SECONDS,
    idleAfter: options.IDLE_SECONDS,
    chatLength: CHAT.MAX_MESSAGE_LENGTH,
    texts: {
      editorMode: options.EDITOR_MODE_TEXT,
      viewerMode: options.VIEWER_MODE_TEXT,
      claimingEditor: options.CLAIMING_EDITOR_TEXT,
      notification: options.NOTIFICATION_MESSAGE,
      notificationButton: options.NOTIFICATION_BUTTON_TEXT,
      requestSent: options.NOTIFICATION_REQUEST_SENT_TEXT,
      chatTitle: options.CHAT_USER_LIST_TITLE,
      chatEmpty: options.CHAT_EMPTY_STATE_TEXT,
      chatStart: options.CHAT_START_CONVERSATION_TEXT,
      chatPlaceholder: options.CHAT_INPUT_PLACEHOLDER,
      chatOnline: options.CHAT_ONLINE_STATUS_TEXT,
    },
  };
}

/** A record that a socket's address names. */
export interface NamedRecord {
  model: Model;
  reach: Tenant;
  stored: StoredRecord;
}

/** The record of an address `{prefix}/{app}/{model}/{key}/…`, if the visitor may see it. */
export async function recordAt(
  ctx: Context<State>,
  pathname: string,
): Promise<NamedRecord | undefined> {
  const { db, catalog } = ctx.state.services;
  const parts = pathname.split("/").slice(3).map(decoded);
  const model = (await catalog.current()).find(`${parts[0]}.${parts[1]}`);
  if (!model?.enabled) return;
  // Of all that is administered: the address of a socket says no organization.
  const reach = await visitReach(db, { scope: ctx.state.admin!.scope });
  const stored = await readRecord(db, model, reach, keyInPath(pathname));
  return stored && { model, reach, stored };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Whether somebody may still see a record. */
export async function maySee(
  { db }: Pick<Services, "db">,
  catalog: Catalog,
  principal: Principal,
  { model: name, key }: { model: string; key: string[] },
): Promise<boolean> {
  const model = catalog.find(name);
  if (!model?.enabled) return false;
  try {
    const reach = await visitReach(db, { scope: await adminScope(db, principal) });
    return await readRecord(db, model, reach, key) !== undefined;
  } catch (error) {
    // Who administers nothing any more.
    if (error instanceof LockstepError && error.code === "permission_denied") return false;
    throw error;
  }
}

/** The values of a record's columns as its page shows them. */
export function shownTexts(model: Model, { values }: StoredRecord): Record<string, string | null> {
  return Object.fromEntries(model.columns.map((column) => {
    const text = values[column.name];
    const shown = text !== null && isBytes(column)
      ? `${Number(text).toLocaleString("en")} bytes`
      : text;
    return [column.name, shown];
  }));
}

/** Columns whose texts differ, with both. */
export function textDifference(
  model: Model,
  before: StoredRecord,
  after: StoredRecord,
): RecordChange["fields"] {
  const [old, now] = [shownTexts(model, before), shownTexts(model, after)];
  return Object.fromEntries(
    Object.keys(now).filter((name) => old[name] !== now[name])
      .map((name) => [name, { old: old[name], new: now[name] }]),
  );
}

/** What the transaction in which somebody saves a record calls first: checks the edit lock. */
export async function recordGuard(
  { collab }: Pick<Services, "collab">,
  { userId }: Pick<Principal, "userId">,
  model: Model,
  key: readonly string[],
  token?: number,
): Promise<(tx: Transaction) => Promise<void>> {
  return await collab.saveGuard(roomOfRecord(model, key), userId, token);
}

/** The fencing token that a form was sent with. */
export function fencingToken(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Tells everybody who has the record open what somebody's save has just changed in it. */
export async function announceSave(
  { db, collab, watches }: Pick<Services, "db" | "collab" | "watches">,
  user: Pick<Principal, "userId" | "username" | "email">,
  { model, reach }: { model: Model; reach: Tenant },
  before: StoredRecord,
): Promise<StoredRecord | undefined> {
  const after = await readRecord(db, model, reach, before.key);
  if (!after) return;
  const room = roomOfRecord(model, after.key);
  watches.note(room, after);
  await collab.recordsChanged([{
    room,
    change: {
      source: "save",
      user_id: user.userId,
      username: user.email || user.username,
      fields: textDifference(model, before, after),
      version: after.version,
      deleted: false,
      timestamp: new Date().toISOString(),
    },
  }]);
  return after;
}
