import { useEffect, useRef, useState } from "preact/hooks";

interface Found {
  kind: string;
  label: string;
  note: string;
  href: string;
}

const listId = "quick-search-found";

/** Finds pages, models, records and users; `/` and Ctrl-K lead to it. Without scripts it is a form. */
export default function QuickSearch() {
  const [found, setFound] = useState<Found[]>([]);
  const [active, setActive] = useState(-1);
  const [said, setSaid] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const turn = useRef(0);

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

  async function search(q: string) {
    const own = ++turn.current;
    if (q.trim() === "") return close();
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (own !== turn.current) return;
    try {
      const query = new URLSearchParams({ q: q.trim(), format: "json" });
      const answer = await fetch(`/admin/search?${query}`);
      const entries: Found[] = answer.ok && !answer.redirected ? await answer.json() : [];
      if (own !== turn.current) return;
      setFound(entries);
      setActive(entries.length > 0 ? 0 : -1);
      setSaid(
        !answer.ok || answer.redirected
          ? "The search failed. Try again."
          : entries.length === 0
          ? "Nothing found."
          : `${entries.length} found.`,
      );
    } catch {
      if (own === turn.current) setSaid("The server cannot be reached. Try again.");
    }
  }

  function close() {
    turn.current++;
    setFound([]);
    setActive(-1);
    setSaid("");
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape") return close();
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && found.length > 0) {
      setActive((active + steps[event.key] + found.length) % found.length);
      event.preventDefault();
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      location.assign(found[active].href);
    }
  }

  return (
    <form class="quick-search" role="search" method="get" action="/admin/search">
      <input
        ref={input}
        type="search"
        name="q"
        class="form-control form-control-sm"
        role="combobox"
        aria-label="Search pages, models, records and users"
        aria-keyshortcuts="/ Control+K"
        aria-expanded={found.length > 0}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
        placeholder="Search (press /)"
        autocomplete="off"
        onInput={(event) => search(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        onBlur={close}
      />
      <ul id={listId} role="listbox" aria-label="Found" hidden={found.length === 0}>
        {found.map((entry, i) => (
          <li
            key={entry.href}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === active}
            onMouseDown={(event) => {
              event.preventDefault();
              location.assign(entry.href);
            }}
          >
            <span>{entry.label}</span> <small>{`${entry.kind} · ${entry.note}`}</small>
          </li>
        ))}
      </ul>
      <span class="visually-hidden" aria-live="polite">{said}</span>
    </form>
  );
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
