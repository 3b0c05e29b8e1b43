import { useEffect, useState } from "preact/hooks";
import { Icon } from "../../lib/ui/mod.ts";
import type { MatrixFeed, News } from "./matrix_feed.ts";
import type { MatrixSaver } from "./matrix_saver.ts";
import type { MatrixStore } from "./matrix_store.ts";

export interface StatusLineProps {
  store: MatrixStore;
  saver: MatrixSaver;
  feed: MatrixFeed;
}

/** What was saved and when, what was not and why, and what others changed. */
export function StatusLine({ store, saver, feed }: StatusLineProps) {
  const now = useNow();
  store.revision.value;
  const pending = [...store.allPending().values()];
  const failed = pending.filter(({ failure }) => failure !== "");
  const savedAt = saver.savedAt.value;
  const news = feed.news.value;
  return (
    <div class="matrix-status">
      {failed.length > 0
        ? (
          <div class="matrix-failures">
            <span>
              <Icon name="exclamation-triangle-fill" /> {failed.length === 1
                ? "1 right is not saved. "
                : `${failed.length} rights are not saved. `}
              {failed[0].failure}
            </span>
            <button
              type="button"
              class="btn btn-sm btn-outline-secondary"
              onClick={() => saver.retry()}
            >
              Try again
            </button>
            <button
              type="button"
              class="btn btn-sm btn-outline-secondary"
              onClick={() => saver.discard()}
            >
              Discard
            </button>
          </div>
        )
        : (
          <span class="matrix-saved">
            {pending.length > 0
              ? saver.question.value ? "Waiting for your answer" : "Saving…"
              : savedAt !== null
              ? (
                <>
                  <Icon name="check-lg" /> Saved {ago(savedAt, now)}
                </>
              )
              : "Every change is saved at once."}
          </span>
        )}
      {news && <span class="matrix-news">{`${newsWords(store, news)} ${ago(news.at, now)}`}</span>}
      {feed.failure.value && (
        <span class="matrix-news">
          Changes by others are not followed at present: {feed.failure.value}
        </span>
      )}
    </div>
  );
}

/** "sam_staff granted Sales: pull myapp.Order". */
export function newsWords(store: MatrixStore, { actor, changes }: News): string {
  if (changes.length > 1) return `${actor} changed ${changes.length.toLocaleString("en")} rights`;
  const [{ right, value }] = changes;
  return `${actor} ${value ? "granted" : "took away"} ${store.nameOf(right)}`;
}

/** The time, once a second. */
function useNow(): number {
  const [now, setNow] = useState(0);
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}
