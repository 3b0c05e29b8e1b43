/**
 * Runs the tests: `deno task test [files or options of deno test]`. Finds PostgreSQL, Redis and
 * Chromium, or installs them where it can, starts a throw-away PostgreSQL, and ends with a line of
 * counts. With CI=true it fails when a part of the tests cannot run. @module
 */
import { PostgresServer } from "./support/postgres_server.ts";
import { findChromium, findPostgres, findRedis } from "./support/programs.ts";

const parts = [
  { suite: "PostgreSQL server", find: findPostgres, packages: ["postgresql"] },
  { suite: "Redis", find: findRedis, packages: ["redis-server"] },
  { suite: "browser", find: findChromium, packages: ["chromium", "fonts-liberation"] },
];
/** The browser's driver looks into /proc, which Deno allows to nobody who has not every permission. */
const permissions = ["--allow-all"];

Deno.exit(await main(Deno.args));

async function main(args: string[]): Promise<number> {
  const inCi = Boolean(Deno.env.get("CI"));
  const missing = await install();
  for (const { suite, packages } of missing) {
    console.error(
      `The ${suite} tests cannot run here. They need, as root: apt-get install ${
        packages.join(" ")
      }`,
    );
  }
  if (missing.length > 0 && inCi) {
    console.log(countLine({ passed: 0, failed: missing.length, skipped: 0 }));
    return 1;
  }

  const given = Deno.env.get("LOCKSTEP_TEST_DATABASE_URL");
  await using server = !given && findPostgres()
    ? await PostgresServer.start({ quiet: true })
    : undefined;
  const { code, counts } = await runTests(args, given ?? server?.url());
  console.log(countLine(counts));
  return code;
}

/** Gets what is missing with apt-get, where this is root on Debian. Resolves to what still is. */
async function install() {
  const missing = () => parts.filter((part) => !part.find());
  if (missing().length === 0 || Deno.uid() !== 0 || !await succeeds("apt-get", ["--version"])) {
    return missing();
  }
  const packages = missing().flatMap((part) => part.packages);
  console.log(`Installing ${packages.join(", ")}`);
  const get = async () =>
    await succeeds("apt-get", ["update"], "inherit") &&
    await succeeds(
      "apt-get",
      ["install", "--yes", "--no-install-recommends", ...packages],
      "inherit",
    );
  await get() || await get();
  return missing();
}

async function succeeds(command: string, args: string[], output: "null" | "inherit" = "null") {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const options = { args, env, stdin: "null", stdout: output, stderr: output } as const;
  try {
    return (await new Deno.Command(command, options).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

async function runTests(args: string[], databaseUrl: string | undefined) {
  const report = await Deno.makeTempFile({ prefix: "lockstep-tests-", suffix: ".xml" });
  const ports = await Deno.makeTempDir({ prefix: "lockstep-ports-" });
  const files = args.filter(exists);
  const options = args.filter((arg) => !exists(arg));
  try {
    const tests = new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "test",
          "--no-check",
          "--parallel",
          `--junit-path=${report}`,
          ...permissions,
          ...options,
        ],
        ...(files.length > 0 ? files : ["lib", "cli", "islands", "tests"].filter(exists)),
      ],
      env: {
        DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(Math.min(2, navigator.hardwareConcurrency)),
        LOCKSTEP_TEST_PORTS: ports,
        ...(databaseUrl && { LOCKSTEP_TEST_DATABASE_URL: databaseUrl }),
      },
      stdin: "null",
    }).spawn();
    // The servers that this process started stop in its end, which a signal would skip.
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => endIfRunning(tests, signal));
    }
    const { code } = await tests.status;
    return { code, counts: readCounts(await Deno.readTextFile(report), code) };
  } finally {
    await Deno.remove(report);
    await Deno.remove(ports, { recursive: true });
  }
}

function endIfRunning(process: Deno.ChildProcess, signal: Deno.Signal) {
  try {
    process.kill(signal);
  } catch {
    // A terminal sends Ctrl-C to the tests too, which may have ended them already.
  }
}

/** Counts in a JUnit report. A run that fails without a failed test counts as one failure. */
function readCounts(report: string, code: number): Counts {
  const total = (name: string) =>
    [...report.matchAll(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`, "g"))]
      .reduce((sum, [, count]) => sum + Number(count), 0);
  const failed = total("failures") + total("errors");
  const skipped = report.match(/<skipped\b/g)?.length ?? 0;
  const passed = total("tests") - failed - skipped;
  return { passed, failed: code === 0 ? failed : Math.max(failed, 1), skipped };
}

function countLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed` + (skipped > 0 ? `, ${skipped} skipped` : "");
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
