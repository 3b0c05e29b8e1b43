import { useEffect, useRef, useState } from "preact/hooks";
import { PageError, refreshRegions } from "./live/regions.ts";

/** Milliseconds without a key before the preview is asked for. */
const pause = 400;

/**
 * Asks for the preview of the form with that id while it is filled in, as its button does whose name
 * is `do` and value `preview`, and shows the regions of the answer. Stands inside or beside the form.
 */
export default function FormPreview({ form: formId }: { form: string }) {
  const [said, setSaid] = useState("");
  const marker = useRef<HTMLParagraphElement>(null);

  useEffect(() => {
    const form = document.getElementById(formId) as HTMLFormElement;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asked = new AbortController();
    const ask = async () => {
      asked.abort();
      asked = new AbortController();
      const { signal } = asked;
      const fields = new FormData(form);
      fields.set("do", "preview");
      setSaid("Looking what this would change…");
      try {
        await refreshRegions(form.action, {
          method: "POST",
          body: new URLSearchParams([...fields].map(([name, value]) => [name, String(value)])),
          signal,
        });
        setSaid("The preview is of the form as it is now.");
      } catch (error) {
        if (!signal.aborted) setSaid(error instanceof PageError ? error.message : "Try again.");
      }
    };
    const typed = () => {
      clearTimeout(timer);
      timer = setTimeout(ask, pause);
    };
    form.addEventListener("input", typed);
    marker.current!.dataset.ready = "yes";
    return () => {
      clearTimeout(timer);
      asked.abort();
      form.removeEventListener("input", typed);
    };
  }, []);

  return <p ref={marker} class="section-note needs-script" aria-live="polite">{said}</p>;
}
