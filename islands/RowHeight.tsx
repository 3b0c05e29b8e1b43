import { useEffect, useState } from "preact/hooks";

/** Makes the rows of tables lower, so that more of them are seen; remembered in this browser. */
export default function RowHeight() {
  const [compact, setCompact] = useState(false);

  useEffect(() => setCompact(document.documentElement.dataset.rows === "compact"), []);

  function change(event: { currentTarget: HTMLInputElement }) {
    const next = event.currentTarget.checked;
    setCompact(next);
    document.documentElement.dataset.rows = next ? "compact" : "";
    try {
      if (next) localStorage.setItem("rows", "compact");
      else localStorage.removeItem("rows");
    } catch {
      // Storage may be forbidden; the choice holds for this page.
    }
  }

  return (
    <label class="row-height form-check needs-script">
      <input type="checkbox" class="form-check-input" checked={compact} onChange={change} />{" "}
      Compact rows
    </label>
  );
}
