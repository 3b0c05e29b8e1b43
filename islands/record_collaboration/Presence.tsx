import { Avatar } from "./Avatar.tsx";
import type { RecordSession } from "./record_session.ts";

const mostShown = 5;

/** Who else has the record open: one picture each, however many tabs. */
export function Presence({ session }: { session: RecordSession }) {
  const others = session.presence.others();
  if (others.length === 0) return null;
  const shown = others.slice(0, mostShown);
  const state = session.state.value;
  const editor = state.kind === "viewer" ? state.editor : null;
  return (
    <ul class="presence" aria-label="Also on this page">
      {shown.map(({ user_id, username, avatar_url, idle, field }) => {
        const isEditor = username === editor;
        const doing = isEditor
          ? field === null ? "editing" : `editing ${session.fields.label(field)}`
          : "looking";
        const words = `${username}, ${doing}${idle ? ", away from the keyboard" : ""}`;
        return (
          <li
            key={user_id}
            class={`${idle ? "is-idle" : ""}${isEditor ? " is-editor" : ""}`}
            title={words}
          >
            <Avatar userId={user_id} name={username} url={avatar_url} />
            <span class="visually-hidden">{words}</span>
          </li>
        );
      })}
      {others.length > mostShown && <li class="presence-more">+{others.length - mostShown}</li>}
    </ul>
  );
}
