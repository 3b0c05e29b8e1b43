import { type Browser, chromium } from "playwright-core";
import { findChromium } from "./programs.ts";

/** Whether this machine can run tests in a browser. */
export const hasBrowser = Boolean(findChromium());

/** A headless Chromium with a fresh profile. It is closed by `await using` or `close()`. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error("Chromium is not installed (apt-get install chromium)");
  return await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
