import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** When the control of `place` that has the focus goes away, gives the focus to `next`. */
export function useKeptFocus(
  place: RefObject<HTMLElement>,
  next: () => HTMLElement | null | undefined,
): void {
  const had = place.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    if (had && document.activeElement === document.body) next()?.focus();
  });
}
