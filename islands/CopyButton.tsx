import { useEffect, useState } from "preact/hooks";
import { Icon } from "../lib/ui/mod.ts";

type State = "idle" | "copied" | "failed";

const LABELS: Record<State, [icon: string, word: string]> = {
  idle: ["copy", "Copy"],
  copied: ["check-lg", "Copied"],
  failed: ["x-lg", "Could not copy"],
};

/** Copies `text` to the clipboard and says so. `label` tells screen readers what is copied. */
export default function CopyButton({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<State>("idle");

  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), 2000);
    return () => clearTimeout(timer);
  }, [state]);

  const [icon, word] = LABELS[state];
  return (
    <button
      type="button"
      class="btn btn-outline-secondary btn-sm needs-script"
      onClick={async () => setState(await copy(text) ? "copied" : "failed")}
    >
      <Icon name={icon} /> <span aria-live="polite">{word}</span>
      <span class="visually-hidden">{` ${label}`}</span>
    </button>
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

/** The clipboard interface exists on secure pages only; a selection can be copied on any. */
function copySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
