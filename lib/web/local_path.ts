/**
 * The path, query and fragment of an address on this site, or undefined for anything else: other
 * origins in every spelling that browsers know, and what is no address at all.
 */
export function localPath(text: string | null | undefined): string | undefined {
  // Browsers read a backslash as a slash, and leave tabs and line ends out.
  if (!text || !/^\/(?!\/)/.test(text) || /[\\\p{Cc}]/u.test(text)) return;
  const base = "http://this.invalid";
  const url = URL.parse(text, base);
  // `/.//host` is a path until it is resolved; `//host` is not.
  if (url?.origin !== base || url.pathname.startsWith("//")) return;
  return url.pathname + url.search + url.hash;
}
