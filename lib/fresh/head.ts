import { type ComponentChildren, createContext, h } from "preact";
import { IS_BROWSER } from "./is_browser.ts";

/** Where an element stands: in `<head>`, in `<Head>` (to be moved), or elsewhere. */
export const HeadContext = createContext<"head" | "moved" | null>(null);

export interface HeadProps {
  children?: ComponentChildren;
}

/**
 * Moves its children into the document's `<head>` when the page is rendered on the server. A title,
 * or an element with the same key or the same attributes, replaces the one that is there.
 */
export function Head(props: HeadProps): ComponentChildren {
  return IS_BROWSER ? null : h(HeadContext.Provider, { value: "moved" }, props.children);
}
