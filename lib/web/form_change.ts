import { type AccessPreview, previewAccess } from "../access/mod.ts";
import { type Actor, actorSettings } from "../audit/mod.ts";
import type { Transaction } from "../db/mod.ts";
import { LockstepError } from "../errors/mod.ts";
import { refusal } from "./admin_operation.ts";
import type { State } from "./define.ts";

/** Whoever is signed in, as the audit trail names them. */
export function visitActor({ admin, requestId }: State): Actor {
  const { userId, username } = admin!.user;
  return { id: userId, name: username, source: "admin", requestId };
}

/**
 * Runs a change that a form asks for in one transaction, which the audit trail attributes to whoever
 * is signed in.
 */
export async function changeByForm<T>(
  state: State,
  fn: (tx: Transaction) => Promise<T>,
): Promise<T> {
  try {
    return await state.services.db.transaction(
      { settings: actorSettings(visitActor(state)), retries: 3 },
      fn,
    );
  } catch (error) {
    throw refusal(error);
  }
}

/** What a change would take from whom; undefined when nobody loses a row. */
export async function lossesByForm(
  state: State,
  organizationIds: number[],
  fn: (tx: Transaction) => Promise<unknown>,
): Promise<AccessPreview | undefined> {
  const { db, catalog: models } = state.services;
  const catalog = await models.current();
  let preview: AccessPreview;
  try {
    preview = await previewAccess(db, catalog, organizationIds, fn);
  } catch (error) {
    throw refusal(error);
  }
  const changes = preview.changes.filter(({ pull }) => pull.lost !== 0);
  return changes.length > 0 ? { ...preview, changes } : undefined;
}

/** A change that a form asks for, by which people may lose rows. */
export interface LosingChange<T = unknown> {
  /** Where they may. */
  organizationIds: number[];
  /** For the button that confirms it. */
  verb: string;
  run(tx: Transaction): Promise<T>;
}

/** What a page asks before it makes a change. */
export interface Confirmation {
  losses: AccessPreview;
  /** What was sent, to be sent again. */
  fields: [name: string, value: string][];
  verb: string;
}

/** Makes a change, or where people lose rows by it that nobody has confirmed, says what to ask. */
export async function changeOrAsk<T>(
  state: State,
  fields: URLSearchParams,
  { organizationIds, verb, run }: LosingChange<T>,
): Promise<{ done?: T; confirm?: Confirmation }> {
  if (organizationIds.length > 0 && fields.get("confirmed") !== "yes") {
    const losses = await lossesByForm(state, organizationIds, run);
    if (losses) return { confirm: { losses, fields: [...fields], verb } };
  }
  return { done: await changeByForm(state, run) };
}

/** Why a form was not saved, to be shown with it. */
export interface FormProblem {
  status: number;
  message: string;
  /** Messages by the name of the field. */
  fields: Record<string, string>;
  /** What the form is about was changed since it was opened. */
  isStale: boolean;
}

/** What of an error is for the form to show; every other is thrown again. */
export function formProblem(error: unknown): FormProblem {
  if (
    !(error instanceof LockstepError) || error.status >= 500 ||
    ["not_found", "permission_denied", "unauthorized"].includes(error.code)
  ) throw error;
  return {
    status: error.status,
    message: error.message,
    fields: Object.fromEntries((error.errors ?? []).map(({ field, message }) => [field, message])),
    isStale: error.code === "precondition_failed",
  };
}

/** The number of a row in an address or form, or undefined for what is none. */
export function rowNumber(text: string | null | undefined): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text ?? "") ? Number(text) : undefined;
}
