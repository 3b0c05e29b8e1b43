import { z } from "zod";
import { wholeNumber } from "./setting_types.ts";

/** Lifetimes of tokens and sessions, and limits of logging in. */
export const security = z.strictObject({
  ACCESS_TOKEN_MINUTES: wholeNumber(1, 525_600).default(7 * 24 * 60).describe(
    "How long a token is valid.",
  ),
  REFRESH_TOKEN_DAYS: wholeNumber(1, 3650).default(30).describe(
    "How long a refresh token is valid.",
  ),
  CLOCK_SKEW_SECONDS: wholeNumber(0, 300).default(30).describe(
    "How far the clock of a token's issuer may be off.",
  ),
  LOGIN_WINDOW_MINUTES: wholeNumber(1, 1440).default(15).describe(
    "The time in which failed logins are counted.",
  ),
  LOGIN_ATTEMPTS_PER_ACCOUNT: wholeNumber(1, 10_000).default(10).describe(
    "Failed logins of one account from one address before further ones wait.",
  ),
  LOGIN_ATTEMPTS_PER_ADDRESS: wholeNumber(1, 100_000).default(100).describe(
    "Failed logins from one address, over all accounts, before further ones wait.",
  ),
  SESSION_IDLE_MINUTES: wholeNumber(1, 43_200).default(12 * 60).describe(
    "Inactivity after which a session ends.",
  ),
  SESSION_ABSOLUTE_HOURS: wholeNumber(1, 8760).default(7 * 24).describe(
    "Age at which a session ends in any case.",
  ),
  PASSWORD_MIN_LENGTH: wholeNumber(8, 128).default(10).describe(
    "Fewest characters of a new password.",
  ),
}).refine((value) => value.SESSION_IDLE_MINUTES <= value.SESSION_ABSOLUTE_HOURS * 60, {
  path: ["SESSION_IDLE_MINUTES"],
  message: "SESSION_IDLE_MINUTES must not be longer than SESSION_ABSOLUTE_HOURS.",
});
