/** The one spelling of a username, as in Django: NFKC, without space around it, and without NUL. */
export function normalizeUsername(username: string): string {
  return username.toWellFormed().replaceAll("\0", "\uFFFD").normalize("NFKC").trim();
}
