import type { Texts } from "./record_fields.ts";

/** What came of a save. */
export type SaveOutcome =
  | { kind: "saved"; labels: string[]; version: string | null; values: Texts }
  /** Somebody else changed the record since: what stands there. */
  | { kind: "conflict"; by: string | null; version: string; values: Texts }
  | { kind: "refused"; problem: string | null; problems: Record<string, string> };

const longestWait = 60_000;

/** Sends a record's form without leaving the page. */
export async function saveRecord(
  form: HTMLFormElement,
  token: number | null,
): Promise<SaveOutcome> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    // A choice between two values is made in the page already.
    if (typeof value === "string" && !name.startsWith("keep.")) body.append(name, value);
  }
  if (token !== null) body.set("fencing_token", String(token));
  let response: Response;
  try {
    response = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body,
      signal: AbortSignal.timeout(longestWait),
    });
  } catch {
    return refused("The server cannot be reached. Your input is still here; try again.");
  }
  const answer = await response.json().catch(() => null);
  if (answer?.kind) return answer;
  if (response.redirected) {
    return refused("You are signed out. Sign in in another tab, then come back here and save.");
  }
  return refused(answer?.detail ?? `The server answered ${response.status}. Try again.`);
}

function refused(problem: string): SaveOutcome {
  return { kind: "refused", problem, problems: {} };
}
