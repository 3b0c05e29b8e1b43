import { useEffect, useRef, useState } from "preact/hooks";
import { type FilterColumn, type FilterLine, type FilterPreview, Icon } from "../lib/ui/mod.ts";
import { ConditionLine } from "./filter_builder/ConditionLine.tsx";
import { PreviewPanel } from "./filter_builder/PreviewPanel.tsx";
import { variablesId } from "./filter_builder/ValueInput.tsx";

export interface FilterBuilderProps {
  columns: FilterColumn[];
  /** Operators in words. */
  labels: Record<string, string>;
  lines: FilterLine[];
  /** Values that a filter may name instead of giving them. */
  variables: string[];
  /** Of the lines as they are; absent where they were not previewed. */
  preview?: FilterPreview;
  /** Where the form is sent for a preview. */
  previewPath: string;
}

const blank: FilterLine = { field: "", operator: "exact", values: [""], negate: false };
/** Lines that a browser without scripts may fill. */
const spare = 2;
/** Milliseconds without a change after which the preview is renewed. */
const patience = 300;

/** The conditions of a row filter, and a preview that follows what is chosen. */
export default function FilterBuilder(props: FilterBuilderProps) {
  const { columns, labels, variables, previewPath } = props;
  const place = useRef<HTMLDivElement>(null);
  const [isAlive, setAlive] = useState(false);
  const [lines, setLines] = useState(
    [...props.lines, ...Array(spare).fill(blank)].map((line, key) => ({ line, key })),
  );
  const [preview, setPreview] = useState(props.preview);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  /** Counts what is typed in the rest of the form. */
  const [edits, setEdits] = useState(0);
  const nextKey = useRef(lines.length);

  useEffect(() => {
    const form = place.current!.closest("form")!;
    setAlive(true);
    setLines((all) => all.slice(0, Math.max(1, props.lines.length)));
    const edited = () => setEdits((count) => count + 1);
    form.addEventListener("input", edited);
    return () => form.removeEventListener("input", edited);
  }, []);

  useEffect(() => {
    if (!isAlive) return;
    const aborted = new AbortController();
    const timer = setTimeout(async () => {
      setBusy(true);
      try {
        const form = place.current!.closest("form")!;
        const response = await fetch(previewPath, {
          method: "POST",
          body: new URLSearchParams(new FormData(form) as unknown as Record<string, string>),
          signal: aborted.signal,
        });
        const answer = await response.json();
        setProblem(response.ok ? "" : answer.problem);
        if (response.ok) setPreview(answer);
      } catch {
        if (aborted.signal.aborted) return;
        setProblem(
          "The preview cannot be made now: the server did not answer. Change something to try again.",
        );
      }
      setBusy(false);
    }, patience);
    return () => {
      clearTimeout(timer);
      aborted.abort();
    };
  }, [isAlive, lines, edits]);

  const change = (key: number, line: FilterLine) =>
    setLines((all) => all.map((one) => one.key === key ? { key, line } : one));
  return (
    <div ref={place} class="filter-builder" data-alive={isAlive ? "yes" : undefined}>
      <datalist id={variablesId}>
        {variables.map((value) => <option key={value} value={value} />)}
      </datalist>
      {lines.map(({ line, key }, i) => (
        <ConditionLine
          key={key}
          index={i}
          line={line}
          columns={columns}
          labels={labels}
          isAlive={isAlive}
          onChange={(line) => change(key, line)}
          onRemove={() => setLines((all) => all.filter((one) => one.key !== key))}
        />
      ))}
      {lines.length === 0 && <p class="section-note">There is no condition: every row.</p>}
      <button
        type="button"
        class="btn btn-outline-secondary needs-script"
        onClick={() => setLines((all) => [...all, { line: blank, key: nextKey.current++ }])}
      >
        <Icon name="plus-lg" /> Add a condition
      </button>
      <p class="form-text">
        All conditions of a filter must hold; a value may be one of{" "}
        {variables.join(", ")}. Rows of several groups add up for a user who is in them.
      </p>
      <button
        type="submit"
        class="btn btn-outline-secondary needs-no-script"
        name="action"
        value="preview"
      >
        Preview, and more lines
      </button>
      <PreviewPanel preview={preview} problem={problem} isBusy={isBusy} />
    </div>
  );
}
