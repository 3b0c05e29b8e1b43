import { setTimeout as delay } from "node:timers/promises";

const dayMs = 86_400_000;

/** Resolves at once, or shortly before midnight (UTC) after it: for a test that counts by the day. */
export async function steadyDay(): Promise<void> {
  const left = dayMs - Date.now() % dayMs;
  if (left < 60_000) await delay(left + 1_000);
}
