import { type ComponentChild, render } from "preact";
import { useEffect } from "preact/hooks";

/** Renders its child into another element of the page, which the server left empty. */
export function Elsewhere({ id, children }: { id: string; children: ComponentChild }) {
  useEffect(() => {
    const place = document.getElementById(id);
    if (!place) return;
    render(children, place);
    return () => render(null, place);
  }, []);
  return null;
}
