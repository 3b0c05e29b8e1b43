import type { Settings } from "../config/mod.ts";

/** The stored settings of tokens, sessions and logins. */
export type Security = Settings["SECURITY"];
