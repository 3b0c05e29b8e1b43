/** A piece of a message: plain text, or a link. */
export type Piece = { text: string; href?: string };

const address = /\bhttps?:\/\/[^\s<>"'`]+/gi;

/** Splits a message where it holds addresses of the web. Others, such as `javascript:`, stay text. */
export function pieces(message: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  for (const match of message.matchAll(address)) {
    // What ends a sentence is no part of an address.
    const text = match[0].replace(/[.,;:!?)\]}]+$/, "");
    if (!URL.canParse(text) || new URL(text).username !== "") continue;
    if (match.index > end) found.push({ text: message.slice(end, match.index) });
    found.push({ text, href: new URL(text).href });
    end = match.index + text.length;
  }
  if (end < message.length) found.push({ text: message.slice(end) });
  return found;
}
