/** A TCP proxy between a server and Redis whose network can be cut. */
export class TcpProxy implements AsyncDisposable {
  #listener: Deno.TcpListener;
  #target: number;
  #connections = new Set<Deno.TcpConn>();
  #mode: "through" | "silent" | "refused" = "through";
  #through = Promise.withResolvers<void>();
  #serving: Promise<void>;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#through.resolve();
    this.#serving = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Bytes stay where they are, as when a cable is cut; nobody is told. */
  silence(): void {
    if (this.#mode === "silent") return;
    this.#mode = "silent";
    this.#through = Promise.withResolvers();
  }

  /** Connections are closed, and new ones at once. */
  refuse(): void {
    this.#mode = "refused";
    this.#through.resolve();
    for (const connection of this.#connections) close(connection);
  }

  /** Bytes that were kept go on their way. */
  heal(): void {
    this.#mode = "through";
    this.#through.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.refuse();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    const pipes = new Set<Promise<void>>();
    for await (const client of this.#listener) {
      const pipe = this.#connect(client);
      pipes.add(pipe);
      pipe.finally(() => pipes.delete(pipe));
    }
    await Promise.all(pipes);
  }

  async #connect(client: Deno.TcpConn): Promise<void> {
    let server: Deno.TcpConn | undefined;
    this.#connections.add(client);
    try {
      await this.#through.promise;
      if (this.#mode === "refused") return;
      server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
      this.#connections.add(server);
      await Promise.race([this.#copy(client, server), this.#copy(server, client)]);
    } catch {
      // Either end has closed.
    } finally {
      for (const connection of [client, server]) {
        if (!connection) continue;
        close(connection);
        this.#connections.delete(connection);
      }
    }
  }

  async #copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const count = await from.read(buffer).catch(() => null);
      await this.#through.promise;
      if (count === null) return;
      const writer = to.writable.getWriter();
      try {
        await writer.write(buffer.slice(0, count));
      } catch {
        return;
      } finally {
        writer.releaseLock();
      }
    }
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
