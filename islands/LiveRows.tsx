import { useEffect, useState } from "preact/hooks";
import { Icon } from "../lib/ui/mod.ts";
import { PageError, refreshRegions } from "./live/regions.ts";

export interface LiveRowsProps {
  /** What the page shows of: `logs`, `audit`. */
  topics: string[];
}

type State = "starting" | "live" | "lost" | "ended";

/** Milliseconds between two refreshes at least. */
const pause = 2_000;
/** Milliseconds after which a stream that the browser gave up is opened again. */
const again = 3_000;

/** Keeps the regions of the page up to date as the server tells of something new, and says so. */
export default function LiveRows({ topics }: LiveRowsProps) {
  const [state, setState] = useState<State>("starting");
  const [problem, setProblem] = useState("");

  useEffect(() =>
    follow(topics, (state, problem = "") => {
      setState(state);
      setProblem(problem);
    }), []);

  const [icon, words] = {
    starting: ["circle", "Connecting"],
    live: ["record-circle", "Live"],
    lost: ["arrow-repeat", "Connection lost, trying again"],
    ended: ["slash-circle", problem],
  }[state];
  return (
    <p class={`live-state needs-script is-${state}`} role="status">
      <Icon name={icon} /> {words}
    </p>
  );
}

/** Follows until the returned function is called. */
function follow(topics: string[], tell: (state: State, problem?: string) => void): () => void {
  let source: EventSource | undefined;
  let reopen: ReturnType<typeof setTimeout> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;
  let isWanted = false;
  let isRunning = false;
  let hasEnded = false;
  let wasOpen = false;

  const end = (problem: string) => {
    hasEnded = true;
    source?.close();
    tell("ended", problem);
  };
  const refresh = async () => {
    timer = undefined;
    if (hasEnded || isRunning) return;
    // A tab that nobody sees asks for nothing; it catches up when it is seen.
    if (document.hidden) return;
    isWanted = false;
    isRunning = true;
    try {
      await refreshRegions(location.href);
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      tell("lost");
      isWanted = true;
    } finally {
      isRunning = false;
      last = Date.now();
      if (isWanted) schedule();
    }
    if (!hasEnded && source?.readyState === EventSource.OPEN) tell("live");
  };
  const schedule = () => {
    isWanted = true;
    timer ??= setTimeout(refresh, Math.max(0, last + pause - Date.now()));
  };
  const seen = () => {
    if (!document.hidden && isWanted) schedule();
  };
  const open = () => {
    source = new EventSource("/admin/live");
    source.onopen = () => {
      tell("live");
      // What happened while there was no connection, nobody told.
      if (wasOpen) schedule();
      wasOpen = true;
    };
    source.onerror = () => {
      if (hasEnded) return;
      tell("lost");
      // An answer that is no stream makes the browser give up, such as a proxy's while we restart.
      if (source!.readyState !== EventSource.CLOSED) return;
      reopen = setTimeout(async () => {
        const answer = await fetch(location.href, { method: "HEAD" }).catch(() => undefined);
        const isOut = answer?.redirected && new URL(answer.url).pathname === "/login";
        if (isOut) end("You are no longer signed in. Sign in again to follow.");
        else if (!hasEnded) open();
      }, again);
    };
    for (const topic of topics) source.addEventListener(topic, schedule);
    source.addEventListener("revoked", () => end("Your rights were changed. Open the page again."));
  };
  open();
  document.addEventListener("visibilitychange", seen);
  return () => {
    hasEnded = true;
    source?.close();
    clearTimeout(reopen);
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", seen);
  };
}
