import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

/**
 * A reverse proxy that sends each request, WebSockets too, to the next of its servers. A server that
 * refuses connections gets no more of them. What was on its way to a server that died is answered
 * with 502: whether it was done is for the client to find out.
 */
export class RoundRobinProxy implements AsyncDisposable {
  readonly #server = createServer((incoming, answer) => this.#forward(incoming, answer));
  readonly #sockets = new Set<Socket | Duplex>();
  #targets: { origin: URL; requests: number }[];
  #turn = 0;

  private constructor(origins: string[]) {
    this.#targets = origins.map((origin) => ({ origin: new URL(origin), requests: 0 }));
    this.#server.on("connection", (socket: Socket) => this.#keep(socket));
    this.#server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => {
      this.#upgrade(incoming, socket, head);
    });
  }

  static async start(origins: string[]): Promise<RoundRobinProxy> {
    const proxy = new RoundRobinProxy(origins);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many requests each server has got. */
  get requests(): number[] {
    return this.#targets.map(({ requests }) => requests);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #next(): URL {
    const target = this.#targets[this.#turn++ % this.#targets.length];
    target.requests++;
    return target.origin;
  }

  #forward(incoming: IncomingMessage, answer: ServerResponse): void {
    const target = this.#next();
    const upstream = request({
      host: target.hostname,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: forwarded(incoming),
      agent: false,
    }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
      response.on("error", () => answer.destroy());
    });
    upstream.on("error", (error) => {
      this.#failed(target, error);
      if (answer.headersSent) return answer.destroy();
      answer.writeHead(502).end();
    });
    answer.on("close", () => upstream.destroy());
    incoming.pipe(upstream);
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const target = this.#next();
    const upstream = connect(Number(target.port), target.hostname, () => {
      const lines = Object.entries(forwarded(incoming)).map(([name, value]) => `${name}: ${value}`);
      upstream.write(
        [`${incoming.method} ${incoming.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"),
      );
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    this.#keep(upstream);
    this.#keep(socket);
    upstream.on("error", (error: Error) => {
      this.#failed(target, error);
      socket.destroy();
    });
    upstream.on("close", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
    socket.on("close", () => upstream.destroy());
  }

  #failed(target: URL, error: Error): void {
    if ((error as Error & { code?: string }).code !== "ECONNREFUSED") return;
    const left = this.#targets.filter(({ origin }) => origin !== target);
    if (left.length > 0) this.#targets = left;
  }

  #keep(socket: Socket | Duplex): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

function forwarded({ headers, socket }: IncomingMessage): Record<string, string | string[]> {
  const hops = [headers["x-forwarded-for"], socket.remoteAddress].filter(Boolean).join(", ");
  return { ...headers, "x-forwarded-for": hops } as Record<string, string | string[]>;
}
