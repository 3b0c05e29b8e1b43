import { type DenialReason, serverMessage } from "../protocol/mod.ts";
import type { Connection } from "./connection.ts";
import type { GrantResult } from "./edit_locks.ts";
import {
  denialText,
  editorOf,
  positionOf,
  reasonOf,
  statusFor,
  statusOf,
} from "./editor_status.ts";
import type { EditorLock, HandOver, RoomEvent } from "./events.ts";
import { revokeToken } from "./fencing.ts";
import { Room } from "./room.ts";
import { type LeaveResult, type Lock, nameOf, type RoomState, StoreUnavailable } from "./store.ts";

/** How long after `content_updated` a release means that the form is on its way, in milliseconds. */
const submitWindow = 5_000;

/** The edit lock of a room: one editor, viewers who may wait for it, one who is expected back. */
export abstract class LockRoom extends Room {
  /** The newest token heard of: older news is ignored. */
  #newest = 0;
  #queue: string[] = [];
  /** The user whom the lock is kept for. */
  #awayUser: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unavailable = false;

  override apply(event: RoomEvent): void {
    switch (event.kind) {
      case "frame":
        for (const connection of event.exceptEditor ? this.connections.values() : []) {
          if (!connection.lease) connection.send(event.frame);
        }
        return event.exceptEditor ? undefined : super.apply(event);
      case "editor":
        return this.#applyEditor(event.lock);
      case "released":
        this.#newest = Math.max(this.#newest, event.token);
        return this.broadcast(event.frame);
      case "away":
        this.#awayUser = event.lock.userId;
        this.broadcast(JSON.stringify({
          type: serverMessage.editorAway,
          user_id: event.lock.userId,
          username: event.lock.name,
          seconds: Math.ceil(event.lock.remaining / 1000),
        }));
        return this.#schedule(event.lock.remaining);
      case "promoted":
        if (event.lock.process === this.context.process) {
          this.#promote(event.lock, event.handedOver).catch((error) => this.context.report(error));
        }
        return;
      case "taken": {
        const loser = this.connections.get(event.connection);
        if (loser) {
          loser.lease = null;
          loser.send(event.frame);
        }
        return;
      }
      case "queue":
        return this.#applyQueue(event.queue);
      default:
        return super.apply(event);
    }
  }

  /** Whether a connection of this process waits for the lock. */
  get hasWaiting(): boolean {
    return this.#queue.some((id) => this.connections.has(id));
  }

  /** Gives a free lock to the first who waits. */
  async advance(): Promise<RoomState> {
    const { promoted, state } = await this.context.store.advance(this.name);
    if (promoted) {
      await this.emit({ kind: "promoted", lock: promoted });
      await this.emit({ kind: "queue", queue: state.queue });
    } else if (state.lock?.away || state.lock?.mode === "settling") {
      this.#schedule(state.lock.remaining);
    } else if (state.lock?.mode === "pending" && state.lock.process === this.context.process) {
      // The news of the promotion was lost with the store's answer or message.
      // Not awaited: this may be the turn of the connection that the promotion waits for.
      this.#promote(state.lock).catch((error) => this.context.report(error));
    }
    return state;
  }

  /** Claims again for those whom the store or the database could not answer. */
  async retry(): Promise<void> {
    for (const connection of this.connections.values()) {
      if (!connection.wanted) continue;
      const { token } = connection.wanted;
      await connection.run(() => this.claim(connection, token));
    }
  }

  /** A lease could not be renewed: somebody else has the lock, or the store is gone for too long. */
  async lose(connection: Connection, reason: "lapsed" | "unavailable"): Promise<void> {
    const { lease } = connection;
    if (!lease) return;
    connection.lease = null;
    if (reason === "unavailable") connection.wanted = { token: lease.token };
    connection.send({ type: serverMessage.lockLost, reason });
    if (reason === "lapsed") await this.answerStatus(connection);
  }

  /** The right to edit was withdrawn, while the right to look stays. */
  async disqualify(connection: Connection): Promise<void> {
    const { lease } = connection;
    if (!lease) return;
    connection.lease = null;
    connection.send({ type: serverMessage.lockLost, reason: "permission_denied" });
    await revokeToken(this.context.db, this.name, lease.token);
    const member = connection.member(this.context.process);
    if (await this.context.store.release(this.name, member, lease.token, 0)) {
      await this.#announceRelease(connection, lease.token);
      await this.advance();
    }
  }

  /** The store is lost: says so once. */
  storeLost(): void {
    if (this.#unavailable) return;
    this.#unavailable = true;
    for (const connection of this.connections.values()) this.sayUnavailable(connection);
  }

  override async resync(): Promise<void> {
    await super.resync();
    await this.retry();
    const state = await this.context.store.inspect(this.name);
    this.#applyQueue(state.queue);
    if (this.#unavailable) {
      this.#unavailable = false;
      this.broadcast(JSON.stringify({ type: serverMessage.lockAvailable }));
    }
    const { lock } = state;
    if (lock && lock.mode === "held" && !lock.away) this.#applyEditor(lock);
    else if (lock?.away) this.apply({ kind: "away", lock });
  }

  override async close(): Promise<void> {
    clearTimeout(this.#timer);
    await super.close();
  }

  protected greet(connection: Connection, available: boolean): void {
    if (!available) this.sayUnavailable(connection);
  }

  protected override isExpected(userId: number): boolean {
    return userId === this.#awayUser;
  }

  protected async left(connection: Connection, result: LeaveResult): Promise<void> {
    const { lease } = connection;
    connection.lease = null;
    if (lease && connection.revoked) await revokeToken(this.context.db, this.name, lease.token);
    if (result.away) {
      await this.emit({ kind: "away", lock: result.state.lock! });
    } else if (lease && !result.state.lock) {
      await this.#announceRelease(connection, lease.token);
    }
    if (this.#queue.includes(connection.id)) {
      await this.emit({ kind: "queue", queue: result.state.queue });
    }
    if (!result.state.lock && result.state.queue.length > 0) await this.advance();
  }

  protected async answerStatus(connection: Connection): Promise<void> {
    const { lock, queue } = await this.context.store.inspect(this.name);
    const settled = lock && lock.mode !== "settling" ? lock : null;
    connection.send(statusFor(connection, settled, queue));
  }

  protected async claim(connection: Connection, token?: number): Promise<void> {
    const { identity, lease } = connection;
    if (!identity.canEdit) return this.deny(connection, "read_only", null);
    const member = connection.member(this.context.process);
    let result: GrantResult;
    try {
      result = await this.context.locks.claim(this.name, member, token);
    } catch (error) {
      if (!connection.wanted) this.deny(connection, "unavailable", null);
      connection.wanted = { token };
      throw error;
    }
    connection.wanted = null;
    if (result.granted) {
      connection.lease = { token: result.token, until: result.until };
      if (connection.gone) return;
      const lock = editorOf(connection, result.token);
      // A script claims three times after a reconnect: the others need to hear it once.
      if (result.renewed && lease) return connection.send(statusFor(connection, lock, this.#queue));
      return await this.emit({ kind: "editor", lock });
    }
    const { lock, queue } = result.state;
    this.deny(connection, reasonOf(connection, lock), result.state);
    await this.emit({ kind: "queue", queue });
    if (!lock || lock.away || lock.mode === "settling") await this.advance();
  }

  protected deny(connection: Connection, reason: DenialReason, state: RoomState | null): void {
    const position = state ? positionOf(connection, state.queue) : null;
    const name = state?.lock?.name ?? null;
    connection.send({
      type: serverMessage.claimDenied,
      reason,
      message: denialText[reason](name),
      editor_id: state?.lock?.userId ?? null,
      editor_name: name,
      position,
    });
  }

  protected async release(connection: Connection): Promise<void> {
    const { lease } = connection;
    if (!lease) return;
    const submits = performance.now() - connection.submittedAt < submitWindow;
    const settle = submits ? this.context.options.submit_grace * 1000 : 0;
    const member = connection.member(this.context.process);
    const released = await this.context.locks.release(this.name, member, lease.token, settle);
    connection.lease = null;
    if (!released) return;
    await this.#announceRelease(connection, lease.token);
    await this.advance();
  }

  protected sayUnavailable(connection: Connection): void {
    connection.send({
      type: serverMessage.lockUnavailable,
      message: "Edit locks cannot be checked at the moment. Nobody new can start to edit; " +
        "this page tries again by itself.",
    });
  }

  /** Completes a promotion or hand-over to a connection of this process. */
  async #promote(lock: Lock, handedOver?: HandOver): Promise<void> {
    const connection = this.connections.get(lock.connection);
    // It left meanwhile: the lock is pending and lapses.
    if (!connection) return;
    await connection.run(async () => {
      // `advance` may have noticed the new holder before the news with the draft came.
      if (connection.lease) return this.#giveDraft(connection, handedOver);
      const member = connection.member(this.context.process);
      if (!connection.identity.canEdit) {
        await this.context.locks.release(this.name, member, lock.token);
        await this.advance();
        return;
      }
      const result = await this.context.locks.confirm(this.name, member, lock.token);
      if (!result.granted || connection.gone) return;
      connection.lease = { token: result.token, until: result.until };
      this.#giveDraft(connection, handedOver);
      await this.emit({ kind: "editor", lock: editorOf(connection, result.token) });
    });
  }

  #giveDraft(connection: Connection, handedOver: HandOver | undefined): void {
    if (!connection.lease || !handedOver) return;
    connection.send({
      type: serverMessage.draftHandedOver,
      user_id: handedOver.userId,
      username: handedOver.name,
      draft: handedOver.draft,
      fencing_token: connection.lease.token,
    });
  }

  #applyEditor(lock: EditorLock): void {
    if (lock.token < this.#newest) return;
    this.#newest = lock.token;
    this.#queue = this.#queue.filter((id) => id !== lock.connection);
    if (lock.userId === this.#awayUser) this.#awayUser = null;
    const shared = JSON.stringify(statusOf(lock, null));
    for (const connection of this.connections.values()) {
      if (connection.id !== lock.connection && connection.lease) {
        connection.lease = null;
        connection.send({ type: serverMessage.lockLost, reason: "lapsed" });
      }
      const special = connection.identity.userId === lock.userId ||
        this.#queue.includes(connection.id);
      connection.send(special ? statusFor(connection, lock, this.#queue) : shared);
    }
  }

  #applyQueue(queue: string[]): void {
    const before = this.#queue;
    this.#queue = queue;
    for (const connection of this.connections.values()) {
      const position = positionOf(connection, queue);
      if (position === null || position === positionOf(connection, before)) continue;
      connection.send({ type: serverMessage.queuePosition, position, length: queue.length });
    }
  }

  /** Looks again when a lock that is kept for somebody may have lapsed. */
  #schedule(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#lapse().catch((error) => {
        if (!(error instanceof StoreUnavailable)) this.context.report(error);
      });
    }, milliseconds + 5);
  }

  async #lapse(): Promise<void> {
    const { lock } = await this.advance();
    if (lock?.away || lock?.mode === "settling" || this.#awayUser === null) return;
    const absent = this.#awayUser;
    this.#awayUser = null;
    const members = await this.context.store.members(this.name);
    if (members.some((m) => m.userId === absent)) return;
    // The collaborator's script reloads when the editor leaves: it shall know of a successor first.
    this.#timer = setTimeout(() => this.forget(absent), lock ? 500 : 0);
  }

  async #announceRelease(connection: Connection, token: number): Promise<void> {
    const frame = JSON.stringify({
      type: serverMessage.lockReleased,
      user_id: connection.identity.userId,
      username: nameOf(connection.identity),
      timestamp: new Date().toISOString(),
    });
    await this.emit({ kind: "released", token, frame });
  }
}
