import { expect } from "expect";
import { ServerProcess } from "../bench/server_process.ts";
import { prepare, signIn } from "../bench/world.ts";
import { hasPostgres, openTestDatabase } from "./support/databases.ts";
import { hasRedis, startRedis } from "./support/redis.ts";
import { until } from "./support/until.ts";

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Map<string, unknown>;
}

// deno-lint-ignore no-explicit-any
type Json = any;

/** Takes spans by OTLP over HTTP, in JSON. */
class Collector implements AsyncDisposable {
  readonly spans: Span[] = [];
  requests = 0;
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => this.#take(request),
  );

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async #take(request: Request): Promise<Response> {
    this.requests++;
    const body: Json = await request.json();
    for (const { scopeSpans } of body.resourceSpans ?? []) {
      for (const span of scopeSpans.flatMap(({ spans }: Json) => spans)) {
        const attributes = span.attributes.map(
          ({ key, value }: Json) => [key, Object.values(value)[0]],
        );
        this.spans.push({ ...span, attributes: new Map(attributes) });
      }
    }
    return Response.json({});
  }

  children(parent: Span): Span[] {
    return this.spans.filter((span) =>
      span.traceId === parent.traceId && span.parentSpanId === parent.spanId
    );
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

Deno.test({
  name: "OTEL_DENO=true gives a request's span its route and those of the database below it",
  ignore: !hasPostgres || !hasRedis,
  async fn() {
    await using collector = new Collector();
    await using redis = await startRedis();
    await using test = await openTestDatabase("postgres");
    await prepare(test.db);
    await using server = await ServerProcess.start({
      DATABASE_URL: test.url!,
      REDIS_URL: redis.url,
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_BSP_SCHEDULE_DELAY: "50",
    });
    const client = await signIn(server);
    const answer = await client.post("pull/", { models: {} }, { "X-Request-Id": "trace-me" });
    await answer.body?.cancel();

    const request = () =>
      collector.spans.find(({ attributes }) => attributes.get("request_id") === "trace-me");
    await until(() => Promise.resolve(request() !== undefined));
    expect(request()!.name).toBe("POST /api/sync/pull");
    expect(request()!.attributes.get("http.route")).toBe("/api/sync/pull");
    const ofDatabase = () =>
      collector.children(request()!).filter(({ attributes }) =>
        attributes.get("db.system.name") === "postgresql"
      );
    await until(() => Promise.resolve(ofDatabase().some(({ name }) => name === "SELECT")));
    const texts = () =>
      ofDatabase().map(({ attributes }) => String(attributes.get("db.query.text")));
    await until(() => Promise.resolve(texts().join("\n").includes("lockstep.app_user")));
    const transactions = () => collector.spans.filter(({ name }) => name === "transaction");
    await until(() =>
      Promise.resolve(transactions().some((span) => collector.children(span).length > 0))
    );
    const redisSpans = () =>
      collector.spans.filter(({ attributes }) => attributes.get("db.system.name") === "redis");
    await until(() => Promise.resolve(redisSpans().length > 0));
    expect(redisSpans()[0].attributes.get("db.operation.name")).toBe("EVALSHA");
    expect(JSON.stringify(collector.spans.map(({ attributes }) => [...attributes])))
      .not.toMatch(/argon2|pbkdf2|Bearer/);
  },
});

Deno.test({
  name: "without OTEL_DENO nothing is traced",
  ignore: !hasPostgres,
  async fn() {
    await using collector = new Collector();
    await using test = await openTestDatabase("postgres");
    {
      await using _server = await ServerProcess.start({
        DATABASE_URL: test.url!,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      });
    }
    expect(collector.requests).toBe(0);
  },
});
