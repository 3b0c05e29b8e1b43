import { LockstepError } from "../errors/mod.ts";
import { commonPasswords } from "./common_passwords.ts";
import { isStorable, maxPasswordBytes } from "./passwords.ts";

/**
 * Refuses a new password that is short, too long, common, or the user's own name.
 *
 * It is kept exactly as it was typed, without Unicode normalization: Django hashes the exact bytes,
 * and a normalized password would no longer match a hash that was imported.
 *
 * @param minLength fewest characters
 * @throws LockstepError `invalid_value`
 */
export function checkNewPassword(
  password: string,
  user: { username: string; email: string },
  minLength: number,
): void {
  const problem = problemOf(password, user, minLength);
  if (!problem) return;
  throw new LockstepError("invalid_value", problem, {
    errors: [{ field: "password", message: problem, code: "invalid_value" }],
  });
}

function problemOf(
  password: string,
  { username, email }: { username: string; email: string },
  minLength: number,
): string | undefined {
  const length = [...password].length;
  if (length < minLength) {
    return `The password has ${length} characters; choose one of at least ${minLength}.`;
  }
  if (!isStorable(password)) {
    return `The password must be valid Unicode of at most ${maxPasswordBytes} bytes in UTF-8.`;
  }
  const folded = fold(password);
  const own = [username, email, email.split("@")[0]].filter(Boolean).map(fold);
  if (own.includes(folded)) {
    return "The password is the username or the e-mail address; choose another one.";
  }
  if (commonPasswords.has(folded) || new Set(folded).size < 3) {
    return "The password is one of those that are tried first; choose a less common one.";
  }
}

function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}
