import { useLayoutEffect, useRef } from "preact/hooks";
import { type Template, templates } from "./visible_rows.ts";

export interface TemplateMenuProps {
  group: string;
  /** Number of models that the template is for. */
  models: number;
  /** Those are only the ones that the search leaves. */
  isSearch: boolean;
  button: HTMLElement;
  onChoose(template: Template): void;
  onClose(): void;
}

/** The templates to choose from for a group, below its button. */
export function TemplateMenu(props: TemplateMenuProps) {
  const { group, models, isSearch, button, onChoose, onClose } = props;
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { left, bottom } = button.getBoundingClientRect();
    const box = menu.current!;
    box.showPopover();
    box.style.top = `${bottom + 4}px`;
    box.style.left = `${Math.max(8, Math.min(left, innerWidth - box.offsetWidth - 8))}px`;
    box.querySelector("button")!.focus();
  }, []);

  function onKeyDown(event: KeyboardEvent) {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const items = [...menu.current!.querySelectorAll("button")];
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    items[(at + step + items.length) % items.length].focus();
  }

  return (
    <div
      ref={menu}
      popover="auto"
      class="matrix-templates"
      role="group"
      aria-label={`Templates for ${group}`}
      onKeyDown={onKeyDown}
      onToggle={(event) => {
        if (event.newState !== "closed") return;
        if (menu.current?.contains(document.activeElement)) button.focus();
        onClose();
      }}
    >
      <p>
        {isSearch ? `The ${models} models shown` : `All ${models} models`} for {group}
      </p>
      {templates.map((template) => (
        <button
          key={template.name}
          type="button"
          onClick={() => {
            menu.current!.hidePopover();
            button.focus();
            onChoose(template);
          }}
        >
          {template.label} <span>{template.hint}</span>
        </button>
      ))}
    </div>
  );
}
