import { setTimeout as delay } from "node:timers/promises";

const patience = 30_000;

/** Resolves when `condition` holds. @throws Error when it doesn't within half a minute */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + patience; !await condition();) {
    if (Date.now() > deadline) throw new Error("The condition did not come true in time");
    await delay(10);
  }
}
