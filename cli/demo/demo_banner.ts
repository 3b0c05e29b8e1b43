import type { DemoSummary } from "./load_demo.ts";

/**
 * What the demo prints when it is ready: address, logins, and two commands to paste, which need curl
 * and a POSIX shell. The first signs in and pulls, the second pushes with the same token.
 *
 * @param origin for example `http://127.0.0.1:8000`
 */
export function demoBanner(origin: string, summary: DemoSummary): string {
  const total = Object.values(summary.rows).reduce((sum, count) => sum + count, 0);
  const width = Math.max(0, ...summary.users.map(({ username }) => username.length));
  const logins = summary.users.map(({ username, role }) => `  ${username.padEnd(width)}  ${role}`);
  return [
    `Lockstep's demo is ready at ${origin}`,
    `${summary.loaded ? "Loaded" : "Found"} ${total} rows of ${
      Object.keys(summary.rows).join(", ")
    }.`,
    "",
    `Sign in with the password ${summary.password} as one of`,
    ...logins,
    "",
    "Pull two customers of Acme Corporation:",
    "",
    pullCommand(origin, summary.password),
    "",
    "Push another, in the same shell:",
    "",
    pushCommand(origin),
    "",
  ].join("\n");
}

function pullCommand(origin: string, password: string): string {
  return `TOKEN=$(curl -sS ${origin}/api/sync/auth/token/ -d username=john_manager ` +
    `-d password=${password} | sed -n 's/.*"token": *"\\([^"]*\\)".*/\\1/p') && ` +
    post(origin, "pull", '{"models": {"myapp.Customer": null}, "batch_size": 2}');
}

function pushCommand(origin: string): string {
  return post(
    origin,
    "push",
    '{"data": [{"_model": "myapp.Customer", "name": "John Doe", "age": 45, "department": "SALES"}]}',
  );
}

function post(origin: string, path: string, body: string): string {
  return `curl -sS ${origin}/api/sync/${path}/ -H "Authorization: Bearer $TOKEN" ` +
    `-H 'Content-Type: application/json' -d '${body}'`;
}
