import type { Register } from "../cli.ts";
import { usage } from "../errors.ts";
import { utf8 } from "../files.ts";
import { readLogin, writeLogin } from "../login_store.ts";

interface Options {
  username?: string;
  passwordStdin?: boolean;
}

export const registerLogin: Register = (program, run) => {
  program.command("login")
    .description("Sign in to the server of --server, and keep the login.")
    .option("--username <name>", "Who. Absent: asked for.")
    .option("--password-stdin", "Read the password from standard input.")
    .action(run(async (cli, { username, passwordStdin }: Options) => {
      const server = cli.requireServer();
      const name = username ?? await cli.host.ask("Username:");
      const password = passwordStdin
        ? utf8(await cli.host.readInput(), "Standard input").replace(/\r?\n$/, "")
        : await cli.host.askSecret("Password:");
      if (!name || password === undefined) {
        throw usage("Nobody can be asked here: use --username and --password-stdin.");
      }
      const answer = await cli.anonymous().post("/api/sync/auth/token/", {
        username: name,
        password,
      });
      const { token, refresh_token, user } = answer;
      await writeLogin(cli.host, server, { username: user.username, token, refresh_token });
      cli.out.result({ server, user }, () => `Signed in to ${server} as ${user.username}.`);
    }));

  program.command("logout")
    .description("Revoke the login to the server of --server, and forget it.")
    .action(run(async (cli) => {
      const server = cli.requireServer();
      const login = await readLogin(cli.host, server);
      if (login) {
        const { refresh_token } = login;
        const response = await (await cli.api()).raw("POST", "/api/sync/auth/revoke/", {
          body: { refresh_token },
        });
        // A login that the server knows no more is as good as revoked.
        await response.body?.cancel();
        await writeLogin(cli.host, server, undefined);
      }
      cli.out.result(
        { server, signed_out: Boolean(login) },
        () => login ? `Signed out of ${server}.` : `Nobody was signed in to ${server}.`,
      );
    }));
};
