import { expect } from "expect";
import { freePort } from "./support/free_port.ts";
import { until } from "./support/until.ts";

Deno.test({
  name: "the compiled executable serves and obeys with an empty PATH and HOME",
  ignore: Deno.build.os === "windows",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "lockstep-compile-test-" });
    const port = freePort();
    // Nothing of this machine: no Deno, no Node, no home, no node_modules.
    const options = {
      cwd: directory,
      clearEnv: true,
      env: {
        PATH: "",
        HOME: "",
        TMPDIR: directory,
        LOCKSTEP_DATA_DIR: `${directory}/data`,
        LOCKSTEP_LOG_DIR: "",
        PORT: String(port),
      },
      stdin: "null",
    } as const;
    const file = `${directory}/lockstep`;
    const lockstep = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(file, { ...options, args }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      return { code, out, err };
    };
    try {
      const compiled = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--no-check", "--quiet", "--allow-read", "--allow-write", "--allow-env"],
          ...["--allow-run", "cli/compile.ts", directory],
        ],
        cwd: new URL("../", import.meta.url),
        stdin: "null",
      }).output();
      expect(new TextDecoder().decode(compiled.stderr)).toBe("");

      // The first command unpacks; two at once do not get into each other's way.
      const both = await Promise.all([lockstep("--version"), lockstep("--version")]);
      for (const { code, out } of both) expect([code, out]).toEqual([0, both[0].out]);
      const created = await lockstep("org", "create", "--org-name", "Acme", "--json");
      expect([created.code, JSON.parse(created.out).slug]).toEqual([0, "acme"]);
      const wrong = await lockstep("modls");
      expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("models")]);

      const server = new Deno.Command(file, {
        ...options,
        args: ["serve"],
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const errors = new Response(server.stderr).text();
      try {
        const origin = `http://127.0.0.1:${port}`;
        const get = async (path: string) => {
          const response = await fetch(`${origin}${path}`).catch(() => undefined);
          return { status: response?.status, text: await response?.text() ?? "" };
        };
        await until(async () => (await get("/api/sync/health/live/")).status === 200);
        expect(JSON.parse((await get("/api/sync/health/")).text).status).toBe("healthy");
        const page = await get("/login");
        expect([page.status, page.text]).toEqual([200, expect.stringContaining("Sign in")]);
        const assets = [...page.text.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css)[^"]*)"/g)]
          .map(([, path]) => path);
        expect(assets.length).toBeGreaterThan(1);
        for (const path of assets) expect([path, (await get(path)).status]).toEqual([path, 200]);
        // The embedded database takes one process; the message says how to reach it.
        const second = await lockstep("org");
        expect([second.code, second.err]).toEqual([5, expect.stringContaining(origin)]);
      } finally {
        server.kill("SIGTERM");
      }
      expect([(await server.status).code, await errors]).toEqual([
        0,
        expect.not.stringMatching(/error:/),
      ]);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
