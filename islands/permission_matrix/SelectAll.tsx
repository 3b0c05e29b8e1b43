import { useLayoutEffect, useRef } from "preact/hooks";
import type { Tri } from "./visible_rows.ts";

export interface SelectAllProps {
  state: Tri;
  /** What all of is chosen: "push for Sales". */
  label: string;
  /** Where the arrow keys find it: row and column. */
  at: string;
  tabIndex: number;
}

/** A checkbox that stands for many: checked, unchecked, or neither. */
export function SelectAll({ state, label, at, tabIndex }: SelectAllProps) {
  const box = useRef<HTMLInputElement>(null);
  // The attribute of HTML cannot say it, and a click unsets it.
  useLayoutEffect(() => {
    box.current!.indeterminate = state === "some";
  });
  return (
    <input
      ref={box}
      type="checkbox"
      class="form-check-input"
      checked={state === "all"}
      aria-label={`All: ${label}`}
      data-at={at}
      tabIndex={tabIndex}
    />
  );
}
