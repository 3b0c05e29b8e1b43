/** Ticks every row of the table that it stands in the head of, or none. */
export default function SelectAll({ label }: { label: string }) {
  return (
    <input
      type="checkbox"
      class="form-check-input needs-script"
      aria-label={label}
      onChange={({ currentTarget }) => {
        const boxes = currentTarget.closest("table")!
          .querySelectorAll<HTMLInputElement>("tbody input[type=checkbox]");
        for (const box of boxes) box.checked = currentTarget.checked;
      }}
    />
  );
}
