import { Icon, RelativeTime, Table } from "../../../../lib/ui/mod.ts";
import type { UserAccess } from "../../../../lib/web/mod.ts";

/** Where a user is signed in: browser sessions and logins by token, each with a button that ends it. */
export function UserAccesses(
  { path, sessions, tokens }: { path: string; sessions: UserAccess[]; tokens: UserAccess[] },
) {
  const rows = [
    ...sessions.map((one) => ({ ...one, kind: "Browser", action: "end-session" })),
    ...tokens.map((one) => ({ ...one, kind: "Token", action: "end-token" })),
  ];
  return (
    <section>
      <h2>
        Sessions and tokens <span class="section-count figures">{rows.length}</span>
      </h2>
      {rows.length === 0
        ? <p class="section-note">Nobody is signed in with this account.</p>
        : (
          <Table
            label="Sessions and tokens"
            head={["From", "Kind", "Last seen", "Ends", { words: "Actions", hidden: true }]}
          >
            {rows.map((row) => (
              <tr key={row.id}>
                <td class="cell-short" title={row.from}>{row.from}</td>
                <td>{row.kind}</td>
                <td>
                  <RelativeTime value={row.seen} />
                </td>
                <td>
                  <RelativeTime value={row.expires} />
                </td>
                <td class="text-end">
                  <form method="post" action={path}>
                    <input type="hidden" name="id" value={row.id} />
                    <button
                      type="submit"
                      class="btn btn-outline-danger btn-sm"
                      name="action"
                      value={row.action}
                    >
                      End<span class="visually-hidden">{` the login from ${row.from}`}</span>
                    </button>
                  </form>
                </td>
              </tr>
            ))}
          </Table>
        )}
      <form method="post" action={path} class="mt-3">
        <button type="submit" class="btn btn-outline-danger" name="action" value="revoke">
          <Icon name="box-arrow-right" /> Sign out everywhere
        </button>
        <div class="form-text">Ends every session and every token, those of devices too.</div>
      </form>
    </section>
  );
}
