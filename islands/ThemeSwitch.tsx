import { useEffect, useState } from "preact/hooks";

type Choice = "auto" | "light" | "dark";

/** Chooses the colours of the pages; the choice is remembered in this browser. */
export default function ThemeSwitch() {
  const [choice, setChoice] = useState<Choice>("auto");

  useEffect(() => setChoice(readChoice()), []);

  function choose(event: { currentTarget: HTMLSelectElement }) {
    const next = event.currentTarget.value as Choice;
    setChoice(next);
    try {
      if (next === "auto") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch {
      document.documentElement.dataset.bsTheme = next === "dark" ? "dark" : "light";
      return;
    }
    dispatchEvent(new Event("themechange"));
  }

  return (
    <select
      class="form-select form-select-sm w-auto needs-script"
      aria-label="Theme"
      value={choice}
      onChange={choose}
    >
      <option value="auto">Auto</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
}

function readChoice(): Choice {
  try {
    const stored = localStorage.getItem("theme");
    return stored === "light" || stored === "dark" ? stored : "auto";
  } catch {
    return "auto";
  }
}
