import {
  clientMessage,
  collabLimits,
  type DenialReason,
  type RecordChangedMessage,
  serverMessage,
} from "../protocol/mod.ts";
import type { ClientMessage, Connection } from "./connection.ts";
import type { GrantResult } from "./edit_locks.ts";
import {
  contentUpdated,
  denialText,
  editorOf,
  positionOf,
  reasonOf,
  statusFor,
  statusOf,
} from "./editor_status.ts";
import type { EditorLock, HandOver, Person, RoomEvent } from "./events.ts";
import { revokeToken } from "./fencing.ts";
import { Room } from "./room.ts";
import { type LeaveResult, type Lock, nameOf, type RoomState, StoreUnavailable } from "./store.ts";

/** How long after `content_updated` a release means that the form is on its way, in milliseconds. */
const submitWindow = 5_000;

/** The room of a record: one editor, viewers who may wait for the lock. */
export class RecordRoom extends Room {
  /** When the record was last changed, as far as this process knows. ISO 8601. */
  lastModified: string | null = null;
  /** The newest token heard of: older news is ignored. */
  #newest = 0;
  #queue: string[] = [];
  /** The user whom the lock is kept for. */
  #awayUser: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unavailable = false;
  #watching: Promise<() => void> | undefined;

  async receive(connection: Connection, message: ClientMessage): Promise<void> {
    try {
      await this.#handle(connection, message);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#sayUnavailable(connection);
    }
  }

  async #handle(connection: Connection, message: ClientMessage): Promise<void> {
    switch (message.type) {
      case clientMessage.requestEditorStatus:
        return await this.#answerStatus(connection);
      case clientMessage.claimEditor:
        return await this.#claim(connection, tokenOf(message));
      case clientMessage.heartbeat:
        return;
      case clientMessage.contentUpdated:
        return await this.#submitting(connection);
      case clientMessage.releaseLock:
        return await this.#release(connection);
      case clientMessage.requestAttention:
        return await this.#requestAttention(connection, message);
      case clientMessage.leaveQueue:
        return await this.#leaveQueue(connection);
      case clientMessage.fieldFocus:
        return await this.#focus(connection, message);
      case clientMessage.typing:
        return await this.#typing(connection, message);
      case clientMessage.activity:
        return await this.#activity(connection, message);
      case clientMessage.declineAttention:
        return await this.#declineAttention(connection, message);
      case clientMessage.handOver:
        return await this.#handOver(connection, message);
      case clientMessage.forceTakeOver:
        return await this.#forceTakeOver(connection, message);
      default:
        connection.refuse("bad_request", "This message type is unknown in a record's room.");
    }
  }

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

  /** Tells everyone of a change, except the editor's script of one that would reload its form. */
  async changed(change: Omit<RecordChangedMessage, "type">): Promise<void> {
    await this.emit({
      kind: "frame",
      frame: JSON.stringify({ type: serverMessage.recordChanged, ...change }),
    });
    await this.emit({
      kind: "frame",
      frame: contentUpdated(change.user_id, change.username, change.timestamp),
      exceptEditor: true,
    });
  }

  /** Begins to watch the record, once; ends with the room. */
  async watch(start: () => Promise<() => void>): Promise<void> {
    this.#watching ??= start().catch((error) => {
      this.#watching = undefined;
      this.context.report(error);
      return () => {};
    });
    await this.#watching;
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
      await connection.run(() => this.#claim(connection, token));
    }
  }

  /** A lease could not be renewed: somebody else has the lock, or the store is gone for too long. */
  async lose(connection: Connection, reason: "lapsed" | "unavailable"): Promise<void> {
    const { lease } = connection;
    if (!lease) return;
    connection.lease = null;
    if (reason === "unavailable") connection.wanted = { token: lease.token };
    connection.send({ type: serverMessage.lockLost, reason });
    if (reason === "lapsed") await this.#answerStatus(connection);
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
    for (const connection of this.connections.values()) this.#sayUnavailable(connection);
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
    (await this.#watching)?.();
    await super.close();
  }

  protected introduce(connection: Connection, me: Person): void {
    connection.send(this.joinedFrame(me));
    for (const person of this.people.values()) {
      if (person.userId !== me.userId) connection.send(person.frame);
    }
  }

  protected greet(connection: Connection, available: boolean): void {
    if (!available) this.#sayUnavailable(connection);
  }

  protected joinedFrame(person: Person): string {
    return JSON.stringify({
      type: serverMessage.userJoined,
      user_id: person.userId,
      username: nameOf(person),
      email: person.email,
      timestamp: person.joinedAt,
      last_modified: this.lastModified,
      avatar_url: person.avatarUrl,
    });
  }

  protected leftFrame(person: Person): string {
    return JSON.stringify({
      type: serverMessage.userLeft,
      user_id: person.userId,
      username: nameOf(person),
    });
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

  async #answerStatus(connection: Connection): Promise<void> {
    const { lock, queue } = await this.context.store.inspect(this.name);
    const settled = lock && lock.mode !== "settling" ? lock : null;
    connection.send(statusFor(connection, settled, queue));
  }

  async #claim(connection: Connection, token?: number): Promise<void> {
    const { identity, lease } = connection;
    if (!identity.canEdit) return this.#deny(connection, "read_only", null);
    const member = connection.member(this.context.process);
    let result: GrantResult;
    try {
      result = await this.context.locks.claim(this.name, member, token);
    } catch (error) {
      if (!connection.wanted) this.#deny(connection, "unavailable", null);
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
    this.#deny(connection, reasonOf(connection, lock), result.state);
    await this.emit({ kind: "queue", queue });
    if (!lock || lock.away || lock.mode === "settling") await this.advance();
  }

  #deny(connection: Connection, reason: DenialReason, state: RoomState | null): void {
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

  async #submitting(connection: Connection): Promise<void> {
    if (!connection.lease) return this.#notEditor(connection);
    connection.submittedAt = performance.now();
    const { userId } = connection.identity;
    const timestamp = new Date().toISOString();
    const frame = contentUpdated(userId, nameOf(connection.identity), timestamp);
    await this.emit({ kind: "frame", frame });
  }

  async #release(connection: Connection): Promise<void> {
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

  async #announceRelease(connection: Connection, token: number): Promise<void> {
    const frame = JSON.stringify({
      type: serverMessage.lockReleased,
      user_id: connection.identity.userId,
      username: nameOf(connection.identity),
      timestamp: new Date().toISOString(),
    });
    await this.emit({ kind: "released", token, frame });
  }

  async #requestAttention(connection: Connection, message: ClientMessage): Promise<void> {
    const { identity } = connection;
    const note = noteOf(message.message);
    if (note === undefined) return this.#noteTooLong(connection, "message");
    const interval = this.context.options.notification_request_interval;
    const key = `attention:${this.name}:${identity.userId}`;
    if (!await this.context.store.once(key, interval * 1000)) {
      return connection.send({ type: serverMessage.attentionThrottled, seconds: interval });
    }
    const frame = JSON.stringify({
      type: serverMessage.attentionRequested,
      user_id: identity.userId,
      username: nameOf(identity),
      timestamp: new Date().toISOString(),
      message: note,
    });
    await this.emit({ kind: "frame", frame });
    if (!identity.canEdit || connection.lease) return;
    const member = connection.member(this.context.process);
    const { queue } = await this.context.store.enqueue(this.name, member);
    await this.emit({ kind: "queue", queue });
  }

  async #leaveQueue(connection: Connection): Promise<void> {
    connection.wanted = null;
    const member = connection.member(this.context.process);
    const { queue } = await this.context.store.dequeue(this.name, member);
    await this.emit({ kind: "queue", queue });
  }

  async #focus(connection: Connection, message: ClientMessage): Promise<void> {
    // No fault of who has just lost the lock, who has to read something else now.
    if (!connection.lease) return;
    connection.field = fieldOf(message.field);
    await this.updatePerson(connection, {
      type: serverMessage.fieldFocus,
      user_id: connection.identity.userId,
      username: nameOf(connection.identity),
      field: connection.field,
    });
  }

  async #typing(connection: Connection, message: ClientMessage): Promise<void> {
    // No fault of who has just lost the lock, who has to read something else now.
    if (!connection.lease) return;
    const frame = JSON.stringify({
      type: serverMessage.typing,
      user_id: connection.identity.userId,
      username: nameOf(connection.identity),
      field: fieldOf(message.field),
    });
    await this.emit({ kind: "frame", frame, except: connection.id });
  }

  async #activity(connection: Connection, message: ClientMessage): Promise<void> {
    connection.idle = message.idle === true;
    await this.updatePerson(connection, {
      type: serverMessage.activity,
      user_id: connection.identity.userId,
      idle: connection.idle,
    });
  }

  async #declineAttention(connection: Connection, message: ClientMessage): Promise<void> {
    if (!connection.lease) return this.#notEditor(connection);
    const note = noteOf(message.message);
    if (note === undefined) return this.#noteTooLong(connection, "message");
    const frame = JSON.stringify({
      type: serverMessage.attentionDeclined,
      user_id: connection.identity.userId,
      username: nameOf(connection.identity),
      message: note,
    });
    if (typeof message.user_id !== "number") return this.#userRequired(connection);
    await this.emit({ kind: "frame", frame, user: message.user_id });
  }

  async #handOver(connection: Connection, message: ClientMessage): Promise<void> {
    const { lease, identity } = connection;
    if (!lease) return this.#notEditor(connection);
    const { user_id: user, draft = null } = message;
    if (!Number.isSafeInteger(user)) return this.#userRequired(connection);
    if (draft !== null && (typeof draft !== "object" || Array.isArray(draft))) {
      return connection.refuse(
        "invalid_value",
        "`draft` must be an object of values by field name.",
      );
    }
    const member = connection.member(this.context.process);
    const lock = await this.context.store.transfer(
      this.name,
      member,
      lease.token,
      user as number,
    );
    if (!lock) {
      return connection.refuse(
        "not_found",
        `The user ${user} is not on this page any more; you keep the lock.`,
      );
    }
    connection.lease = null;
    const handedOver = {
      userId: identity.userId,
      name: nameOf(identity),
      draft: draft as Record<string, unknown> | null,
    };
    await this.emit({ kind: "promoted", lock, handedOver });
  }

  async #forceTakeOver(connection: Connection, message: ClientMessage): Promise<void> {
    const reason = noteOf(message.reason);
    if (reason === undefined) return this.#noteTooLong(connection, "reason");
    const standing = await this.context.stillAllowed(connection.identity, this.name);
    if (typeof standing === "string" || !standing.canForce || !standing.canEdit) {
      return connection.refuse(
        "permission_denied",
        "You have no right to take over the lock. Ask the editor for it instead.",
      );
    }
    if (connection.lease) return;
    const member = connection.member(this.context.process);
    const result = await this.context.locks.force(
      this.name,
      member,
      async (tx, token, previous) => {
        await this.context.onForcedTakeOver(tx, {
          room: this.name,
          by: standing,
          from: previous && { userId: previous.userId, name: previous.name },
          token,
          reason: reason ?? "",
        });
      },
    );
    if (!result.granted) return this.#deny(connection, "held", result.state);
    connection.lease = { token: result.token, until: result.until };
    if (result.previous) {
      const frame = JSON.stringify({
        type: serverMessage.lockTaken,
        user_id: connection.identity.userId,
        username: nameOf(connection.identity),
        reason,
      });
      await this.emit({ kind: "taken", connection: result.previous.connection, frame });
    }
    await this.emit({ kind: "editor", lock: editorOf(connection, result.token) });
  }

  #notEditor(connection: Connection): void {
    connection.refuse("permission_denied", "Only the editor can do this. Claim the lock first.");
  }

  #userRequired(connection: Connection): void {
    connection.refuse("invalid_value", "`user_id` must be the id of a user on this page.");
  }

  #noteTooLong(connection: Connection, field: string): void {
    connection.refuse(
      "too_long",
      `\`${field}\` must be a text of at most ${collabLimits.noteLength} characters.`,
    );
  }

  #sayUnavailable(connection: Connection): void {
    connection.send({
      type: serverMessage.lockUnavailable,
      message: "Edit locks cannot be checked at the moment. Nobody new can start to edit; " +
        "this page tries again by itself.",
    });
  }
}

function tokenOf(message: ClientMessage): number | undefined {
  return Number.isSafeInteger(message.fencing_token) ? message.fencing_token as number : undefined;
}

/** A text of a bounded length, null when there is none, undefined when it is none or too long. */
function noteOf(value: unknown): string | null | undefined {
  if (value === undefined || value === null || value === "") return null;
  return typeof value === "string" && value.length <= collabLimits.noteLength ? value : undefined;
}

function fieldOf(value: unknown): string | null {
  return typeof value === "string" && value.length <= 200 ? value : null;
}
