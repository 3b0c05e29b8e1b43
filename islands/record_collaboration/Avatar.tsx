/** How many colours there are for initials. */
const tints = 6;

export interface AvatarProps {
  userId: number;
  name: string;
  /** Address of a picture; only a path or a data: address is shown, as the page's policy says. */
  url: string | null;
}

/** A person's picture, or initials on the person's colour. */
export function Avatar({ userId, name, url }: AvatarProps) {
  return url && /^(?:\/|data:image\/)/.test(url)
    ? <img class="avatar" src={url} alt="" />
    : (
      <span class={`avatar avatar-${userId % tints}`} aria-hidden="true">
        {initials(name)}
      </span>
    );
}

function initials(name: string): string {
  const words = name.replace(/@.*/, "").split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const letters = words.length > 1 ? [words[0], words[1]].map((word) => [...word][0]) : [
    ...(words[0] ?? "?"),
  ].slice(0, 2);
  return letters.join("").toUpperCase();
}
