import { Icon } from "./icon.tsx";

/** Who is signed in, and the button that ends the session. */
export function AccountMenu({ username }: { username: string }) {
  return (
    <form class="account" method="post" action="/logout">
      <span class="account-name" title={username}>
        <Icon name="person-circle" /> {username}
      </span>
      <button type="submit" class="btn btn-outline-secondary btn-sm">Sign out</button>
    </form>
  );
}
