import type { Database, Transaction } from "../db/mod.ts";
import { closeCode, type RecordChangedMessage, serverMessage } from "../protocol/mod.ts";
import { ChatArchive } from "./chat_archive.ts";
import { ChatRoom } from "./chat_room.ts";
import { Connection } from "./connection.ts";
import type { ForcedTakeOver, HubContext } from "./context.ts";
import { EditLocks } from "./edit_locks.ts";
import type { UserEvent } from "./events.ts";
import { recordRenewals } from "./fencing.ts";
import type { CollabIdentity, Standing } from "./identity.ts";
import type { CollabOptions } from "./options.ts";
import { RecordRoom } from "./record_room.ts";
import type { Room } from "./room.ts";
import { saveGuard } from "./save_guard.ts";
import { SessionChecks } from "./session_checks.ts";
import { type CollabStore, type Member, StoreUnavailable } from "./store.ts";
import { UserChannels } from "./user_channels.ts";

export interface HubSettings {
  db: Database;
  store: CollabStore;
  options: CollabOptions;
  /** The rights that the person has now. Asked regularly, and before a forced take-over. */
  stillAllowed(identity: CollabIdentity, room: string): Promise<Standing>;
  /** Audits a forced take-over, in the transaction that makes it valid. */
  onForcedTakeOver(tx: Transaction, event: ForcedTakeOver): Promise<void>;
  report(error: unknown): void;
}

/** What a page that opens the room of a record brings with it. */
export interface RecordPlace {
  /** Name by `recordRoom`. */
  room: string;
  /** When the record was last changed, ISO 8601. */
  lastModified?: string | null;
  /** Begins to tell of changes that come by other ways; called once while this process is in the room. */
  watch?(): Promise<() => void>;
  /** What the page does not show yet. Asked for when the connection hears of everything newer. */
  missed?(): Promise<Omit<RecordChangedMessage, "type"> | undefined>;
}

/** Milliseconds within which a version of a record is announced once, whoever notices it. */
const announcedFor = 60_000;

/**
 * The rooms and connections of this process. Processes that share a store and a database behave as
 * one hub. Give the sockets an `idleTimeout` when upgrading (`upgradeCollabSocket` does): it is what
 * ends half-open ones.
 */
export class CollabHub {
  #context: HubContext;
  #rooms = new Map<string, Room>();
  #connections = new Map<Connection, Room>();
  #people: UserChannels;
  #sessions: SessionChecks;
  #departed: { room: string; member: Member; keepLock: boolean }[] = [];
  #liveProcesses = new Set<string>();
  #lastBeat = performance.now();
  #timers: ReturnType<typeof setInterval>[] = [];
  #work = new Set<Promise<void>>();
  #resyncing: Promise<void> | undefined;
  #resyncAgain = false;
  #closed = false;

  constructor(settings: HubSettings) {
    const { db, store, options } = settings;
    this.#context = {
      process: crypto.randomUUID(),
      db,
      store,
      options: { ...options },
      locks: new EditLocks(db, store, options.stale_after * 1000),
      chat: new ChatArchive(db),
      stillAllowed: (identity, room) => settings.stillAllowed(identity, room),
      onForcedTakeOver: (tx, event) => settings.onForcedTakeOver(tx, event),
      report: (error) => settings.report(error),
      tell: (userId, event) => this.#people.tell(userId, event),
      leaveLater: (room, member, keepLock) => this.#departed.push({ room, member, keepLock }),
    };
    this.#people = new UserChannels(this.#context, (userId, event) => this.#hear(userId, event));
    this.#sessions = new SessionChecks(this.#context);
    store.onAvailability((available) => this.#availability(available));
  }

  /** Begins to keep leases, presence and sessions; while the store is away, as soon as it is back. */
  async start(): Promise<void> {
    const { options } = this.#context;
    await this.#guard(() => this.#beat());
    this.#every(options.process_beat, () => this.#beat());
    this.#every(options.heartbeat_interval, () => this.#renew());
    this.#every(Math.min(1, options.process_beat), () => this.#promoteWaiting());
    this.#every(options.stale_after / 2, () => this.#recordRenewals());
    this.#every(options.session_check_interval, () => this.recheck());
  }

  /** Puts an upgraded socket into the room of a record. */
  attachRecord(socket: WebSocket, identity: CollabIdentity, at: RecordPlace): void {
    const room = this.#room(at.room, () => new RecordRoom(this.#context, at.room)) as RecordRoom;
    const modified = at.lastModified ?? null;
    if (modified !== null && modified > (room.lastModified ?? "")) room.lastModified = modified;
    this.#attach(socket, identity, room, async (connection) => {
      if (at.watch) await room.watch(at.watch);
      const missed = await at.missed?.();
      if (missed) connection.send({ type: serverMessage.recordChanged, ...missed });
    });
  }

  /** Puts an upgraded socket into the chat of a page; `room` is a name by `pageRoom`. */
  attachChat(socket: WebSocket, identity: CollabIdentity, room: string): void {
    if (!this.#context.options.enable_chat) {
      const refuse = () => socket.close(closeCode.chatDisabled, "Chat is switched off");
      if (socket.readyState === WebSocket.OPEN) refuse();
      else socket.onopen = refuse;
      return;
    }
    this.#attach(socket, identity, this.#room(room, () => new ChatRoom(this.#context, room)));
  }

  /** What a transaction that saves the room's record calls first; see `saveGuard`. */
  saveGuard(
    room: string,
    userId: number,
    token?: number,
  ): Promise<(tx: Transaction) => Promise<void>> {
    return saveGuard(this.#context, room, userId, token);
  }

  /**
   * Tells the rooms in which somebody is, in all processes, what changed in their records. A version
   * that another process has told of already is not told again.
   */
  async recordsChanged(
    changes: { room: string; change: Omit<RecordChangedMessage, "type"> }[],
  ): Promise<void> {
    const names = [...new Set(changes.map(({ room }) => room))];
    let occupied: Set<string>;
    try {
      occupied = new Set(await this.#context.store.occupied(names));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      occupied = new Set(names.filter((name) => this.#rooms.has(name)));
    }
    for (const { room: name, change } of changes) {
      if (!occupied.has(name) || !await this.#isNews(name, change.version)) continue;
      const room = this.#rooms.get(name) as RecordRoom | undefined;
      if (room) room.lastModified = change.timestamp;
      await (room ?? new RecordRoom(this.#context, name)).changed(change);
    }
  }

  async #isNews(room: string, version: string | null): Promise<boolean> {
    if (version === null) return true;
    try {
      return await this.#context.store.once(`changed:${room}:${version}`, announcedFor);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      return true;
    }
  }

  /** Closes a person's sockets in all processes; their locks are free at once. */
  async disconnectUser(
    userId: number,
    reason: string,
    code: number = closeCode.signedOut,
  ): Promise<void> {
    await this.#people.tell(userId, { kind: "disconnect", code, reason });
  }

  /** Closes sockets of this process; their locks are free at once. Resolves to their number. */
  disconnectWhere(
    predicate: (identity: CollabIdentity, room: string) => boolean,
    reason = "The right to see this page was withdrawn",
    code: number = closeCode.forbidden,
  ): number {
    let count = 0;
    for (const [connection, room] of [...this.#connections]) {
      if (!predicate(connection.identity, room.name)) continue;
      connection.revoke(code, reason);
      count++;
    }
    return count;
  }

  /** Takes over changed options. The beat and the lease stay those of the start: leases run by them. */
  configure(options: CollabOptions): void {
    const { heartbeat_interval, stale_after, grace } = this.#context.options;
    Object.assign(this.#context.options, options, { heartbeat_interval, stale_after, grace });
    if (options.enable_chat) return;
    for (const [connection, room] of [...this.#connections]) {
      if (room instanceof ChatRoom) {
        connection.close(closeCode.chatDisabled, "Chat is switched off");
      }
    }
  }

  /** Asks for the rights behind every connection now: something about them may have changed. */
  async recheck(): Promise<void> {
    await this.#sessions.run([...this.#connections]);
  }

  /** Sizes, for the metrics. */
  stats(): { connections: number; rooms: number; editors: number; storeAvailable: boolean } {
    return {
      connections: this.#connections.size,
      rooms: this.#rooms.size,
      editors: [...this.#connections.keys()].filter((connection) => connection.lease).length,
      storeAvailable: this.#context.store.available,
    };
  }

  /** Asks the store for a sign of life. @throws StoreUnavailable */
  async ping(): Promise<void> {
    await this.#context.store.beat(this.#context.process);
  }

  /** Closes all sockets. Editors have the grace to come back, to this process's successor. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timers.forEach(clearInterval);
    for (const connection of [...this.#connections.keys()]) {
      connection.close(closeCode.goingAway, "The server is restarting");
    }
    while (this.#work.size > 0) await Promise.all(this.#work);
    await this.#resyncing;
    for (const room of this.#rooms.values()) await room.close();
    await this.#people.close();
    await this.#context.store.retire(this.#context.process).catch(() => {});
  }

  #room(name: string, create: () => Room): Room {
    let room = this.#rooms.get(name);
    if (!room) {
      room = create();
      this.#rooms.set(name, room);
      // So that whoever comes meanwhile is told when the store is back.
      if (room instanceof RecordRoom && !this.#context.store.available) room.storeLost();
    }
    return room;
  }

  #attach(
    socket: WebSocket,
    identity: CollabIdentity,
    room: Room,
    entered?: (connection: Connection) => Promise<void>,
  ): void {
    room.references++;
    const connection = new Connection(socket, identity, this.#context.options, {
      message: (connection, message) => room.receive(connection, message),
      gone: (connection) => this.#detach(connection, room),
      failed: (error) => {
        this.#context.report(error);
        connection.refuse("internal_error", "Something went wrong on the server. Try again.");
      },
    });
    this.#connections.set(connection, room);
    this.#people.watch(identity.userId);
    if (this.#closed) connection.close(closeCode.goingAway, "The server is restarting");
    const entering = connection.run(async () => {
      await connection.opened();
      if (!connection.gone) await room.enter(connection);
      // Not awaited: it asks the database, and what the connection says need not wait for that.
      if (entered && !connection.gone) this.#track(this.#guard(() => entered(connection)));
    });
    this.#track(entering);
  }

  #detach(connection: Connection, room: Room): void {
    this.#connections.delete(connection);
    this.#sessions.forget(connection);
    const leaving = connection.run(async () => {
      try {
        await room.exit(connection);
      } finally {
        await this.#people.unwatch(connection.identity.userId);
        if (--room.references === 0) {
          this.#rooms.delete(room.name);
          await room.close();
        }
      }
    });
    this.#track(leaving);
  }

  #hear(userId: number, event: UserEvent): void {
    for (const [connection, room] of [...this.#connections]) {
      if (connection.identity.userId !== userId) continue;
      if (event.kind === "disconnect") connection.revoke(event.code, event.reason);
      else if (!(room instanceof ChatRoom)) continue;
      else if (room.name === event.page) connection.send(event.frame);
      else if (event.elsewhere) connection.send(event.elsewhere);
    }
  }

  /** Says that this process lives, and notices those that died and that it was itself away. */
  async #beat(): Promise<void> {
    const { store, process, options } = this.#context;
    const late = performance.now() - this.#lastBeat > options.process_timeout * 1000;
    const live = new Set(await store.beat(process));
    this.#lastBeat = performance.now();
    const died = [...this.#liveProcesses].some((name) => !live.has(name));
    this.#liveProcesses = live;
    if (late) await this.#resync();
    else if (died) await Promise.all([...this.#rooms.values()].map((room) => room.refresh()));
  }

  async #renew(): Promise<void> {
    const { store, process, options } = this.#context;
    const editors = [...this.#connections].filter(([connection]) => connection.lease);
    const leases = editors.map(([connection, room]) => ({
      room: room.name,
      member: connection.member(process),
      token: connection.lease!.token,
    }));
    const until = performance.now() + options.stale_after * 1000;
    let held: boolean[] | undefined;
    try {
      held = await store.renew(leases);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    for (const [i, [connection, room]] of editors.entries()) {
      const { lease } = connection;
      if (lease?.token !== leases[i].token) continue;
      if (held?.[i]) lease.until = until;
      else if (held) await (room as RecordRoom).lose(connection, "lapsed");
      else if (lease.until <= performance.now()) {
        await (room as RecordRoom).lose(connection, "unavailable");
      }
    }
  }

  async #recordRenewals(): Promise<void> {
    const leases = [...this.#connections]
      .filter(([connection]) => connection.lease)
      .map(([connection, room]) => ({ room: room.name, token: connection.lease!.token }));
    if (leases.length > 0) await recordRenewals(this.#context.db, leases);
  }

  /** Also finds locks whose holder's process died, of which nobody is told. */
  async #promoteWaiting(): Promise<void> {
    for (const room of [...this.#rooms.values()]) {
      if (!(room instanceof RecordRoom)) continue;
      if (room.hasWaiting) await room.advance();
      if (this.#context.store.available) await room.retry();
    }
  }

  #availability(available: boolean): void {
    if (this.#closed) return;
    if (available) return this.#track(this.#resync());
    for (const room of this.#rooms.values()) {
      if (room instanceof RecordRoom) room.storeLost();
    }
  }

  /** Makes the store and this process agree again. Calls during a run lead to one more. */
  #resync(): Promise<void> {
    if (this.#resyncing) {
      this.#resyncAgain = true;
      return this.#resyncing;
    }
    this.#resyncing = this.#guard(async () => {
      do {
        this.#resyncAgain = false;
        await this.#resyncOnce();
      } while (this.#resyncAgain && !this.#closed);
    }).finally(() => this.#resyncing = undefined);
    return this.#resyncing;
  }

  async #resyncOnce(): Promise<void> {
    const { store, process } = this.#context;
    this.#liveProcesses = new Set(await store.beat(process));
    this.#lastBeat = performance.now();
    await this.#renew();
    for (const { room, member, keepLock } of this.#departed.splice(0)) {
      await store.leave(room, member, keepLock);
    }
    await this.#people.resubscribe();
    for (const room of [...this.#rooms.values()]) await room.resync();
  }

  #every(seconds: number, job: () => Promise<void>): void {
    let running = false;
    const tick = async () => {
      if (running) return;
      running = true;
      await this.#guard(job);
      running = false;
    };
    this.#timers.push(setInterval(() => this.#track(tick()), seconds * 1000));
  }

  async #guard(job: () => Promise<void>): Promise<void> {
    try {
      await job();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) this.#context.report(error);
    }
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    work.finally(() => this.#work.delete(work));
  }
}
