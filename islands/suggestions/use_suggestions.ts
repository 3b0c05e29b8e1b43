import { useRef, useState } from "preact/hooks";

/** Between the last key and the question, in milliseconds. */
const pause = 150;

export interface SuggestionsOptions<T> {
  /** Where the suggestions for a text come from, as JSON. */
  address: (q: string) => string;
  choose: (one: T) => void;
}

/** What somebody may mean who types into a combobox (WAI-ARIA 1.2): Enter takes the active one. */
export function useSuggestions<T>({ address, choose }: SuggestionsOptions<T>) {
  const [found, setFound] = useState<T[]>([]);
  const [active, setActive] = useState(-1);
  const [said, setSaid] = useState("");
  const turn = useRef(0);

  async function search(text: string) {
    const own = ++turn.current;
    const q = text.trim();
    if (q === "") return close();
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (own !== turn.current) return;
    try {
      const answer = await fetch(address(q));
      const ok = answer.ok && !answer.redirected;
      const suggestions: T[] = ok ? await answer.json() : [];
      if (own !== turn.current) return;
      setFound(suggestions);
      setActive(suggestions.length > 0 ? 0 : -1);
      setSaid(
        !ok
          ? "The search failed. Try again."
          : suggestions.length === 0
          ? "Nothing found."
          : `${suggestions.length} found.`,
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
    if (found.length === 0) return;
    if (event.key === "ArrowDown") setActive((active + 1) % found.length);
    else if (event.key === "ArrowUp") setActive((active <= 0 ? found.length : active) - 1);
    else if (event.key === "Enter" && active >= 0) choose(found[active]);
    else return;
    event.preventDefault();
  }

  /** The attributes of the input; the list has the id `listId`, its options `listId` and a number. */
  const combobox = (listId: string) => ({
    role: "combobox" as const,
    "aria-expanded": found.length > 0,
    "aria-controls": listId,
    "aria-autocomplete": "list" as const,
    "aria-activedescendant": active >= 0 ? `${listId}-${active}` : undefined,
    autocomplete: "off",
    onKeyDown,
    onBlur: close,
  });

  return { found, active, said, say: setSaid, search, close, combobox };
}
