import { ServerProcess } from "../../bench/server_process.ts";
import { RoundRobinProxy } from "./proxy.ts";
import { startRedis } from "./redis.ts";
import { until } from "./until.ts";

/** Server processes on one PostgreSQL and one Redis, behind a proxy that shares out requests. */
export interface Cluster extends AsyncDisposable {
  origin: string;
  proxy: RoundRobinProxy;
  servers: ServerProcess[];
  /** Resolves when the pushes and pulls that were answered are in the sync log. */
  recorded(): Promise<void>;
}

const metricsToken = "metrics-of-a-cluster";

/** Starts the built server twice on the database at `url`. */
export async function startCluster(
  url: string,
  variables: Record<string, string> = {},
): Promise<Cluster> {
  await using started = new AsyncDisposableStack();
  const redis = started.use(await startRedis());
  const servers = await Promise.all([0, 1].map(async () =>
    started.use(
      await ServerProcess.start({
        DATABASE_URL: url,
        REDIS_URL: redis.url,
        LOCKSTEP_TRUST_PROXY: "loopback",
        LOCKSTEP_METRICS_TOKEN: metricsToken,
        ...variables,
      }),
    )
  ));
  const proxy = started.use(await RoundRobinProxy.start(servers.map(({ origin }) => origin)));
  const parts = started.move();
  return {
    origin: proxy.origin,
    proxy,
    servers,
    async recorded() {
      for (const { origin } of servers) await until(async () => await waitingEntries(origin) === 0);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function waitingEntries(origin: string): Promise<number> {
  const headers = { Authorization: `Bearer ${metricsToken}` };
  const text = await (await fetch(`${origin}/metrics`, { headers })).text();
  return Number(/^lockstep_sync_log_entries\{state="waiting"\} (\d+)$/m.exec(text)![1]);
}
