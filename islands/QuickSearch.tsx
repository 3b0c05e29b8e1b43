import { useEffect, useRef } from "preact/hooks";
import { SuggestionList } from "./suggestions/SuggestionList.tsx";
import { useSuggestions } from "./suggestions/use_suggestions.ts";

interface Found {
  kind: string;
  label: string;
  note: string;
  href: string;
}

const listId = "quick-search-found";

/** Finds pages, models, records and users; `/` and Ctrl-K lead to it. Without scripts it is a form. */
export default function QuickSearch() {
  const input = useRef<HTMLInputElement>(null);
  const choose = ({ href }: Found) => location.assign(href);
  const { found, active, said, search, combobox } = useSuggestions<Found>({
    address: (q) => `/admin/search?${new URLSearchParams({ q, format: "json" })}`,
    choose,
  });

  useEffect(() => {
    const shortcut = (event: KeyboardEvent) => {
      const isCommand = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
      const isSlash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey &&
        !isWriting(event.target);
      if (!isCommand && !isSlash) return;
      event.preventDefault();
      input.current!.focus();
      input.current!.select();
    };
    addEventListener("keydown", shortcut);
    input.current!.dataset.ready = "yes";
    return () => removeEventListener("keydown", shortcut);
  }, []);

  return (
    <form class="quick-search" role="search" method="get" action="/admin/search">
      <input
        {...combobox(listId)}
        ref={input}
        type="search"
        name="q"
        class="form-control form-control-sm"
        aria-label="Search pages, models, records and users"
        aria-keyshortcuts="/ Control+K"
        placeholder="Search (press /)"
        onInput={(event) => search(event.currentTarget.value)}
      />
      <SuggestionList id={listId} label="Found" found={found} active={active} choose={choose}>
        {(entry) => (
          <>
            <span>{entry.label}</span> <small>{`${entry.kind} · ${entry.note}`}</small>
          </>
        )}
      </SuggestionList>
      <span class="visually-hidden" aria-live="polite">{said}</span>
    </form>
  );
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
