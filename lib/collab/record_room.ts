import {
  clientMessage,
  collabLimits,
  type RecordChangedMessage,
  serverMessage,
} from "../protocol/mod.ts";
import type { ClientMessage, Connection } from "./connection.ts";
import { contentUpdated, editorOf } from "./editor_status.ts";
import type { Person } from "./events.ts";
import { LockRoom } from "./lock_room.ts";
import { nameOf, StoreUnavailable } from "./store.ts";

/** The room of a record: what those who look at it or edit it ask of each other. */
export class RecordRoom extends LockRoom {
  /** When the record was last changed, as far as this process knows. ISO 8601. */
  lastModified: string | null = null;
  #watching: Promise<() => void> | undefined;

  async receive(connection: Connection, message: ClientMessage): Promise<void> {
    try {
      await this.#handle(connection, message);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.sayUnavailable(connection);
    }
  }

  async #handle(connection: Connection, message: ClientMessage): Promise<void> {
    switch (message.type) {
      case clientMessage.requestEditorStatus:
        return await this.answerStatus(connection);
      case clientMessage.claimEditor:
        return await this.claim(connection, tokenOf(message));
      case clientMessage.heartbeat:
        return;
      case clientMessage.contentUpdated:
        return await this.#submitting(connection);
      case clientMessage.releaseLock:
        return await this.release(connection);
      case clientMessage.requestAttention:
        return await this.#requestAttention(connection, message);
      case clientMessage.leaveQueue:
        return await this.#leaveQueue(connection);
      case clientMessage.fieldFocus:
        return await this.#focus(connection, message);
      case clientMessage.typing:
        return await this.#typing(connection, message);
      case clientMessage.activity:
        return await this.activity(connection, message);
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

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      (await this.#watching)?.();
    }
  }

  protected introduce(connection: Connection, me: Person): void {
    connection.send(this.joinedFrame(me));
    for (const person of this.people.values()) {
      if (person.userId !== me.userId) connection.send(person.frame);
    }
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

  async #submitting(connection: Connection): Promise<void> {
    if (!connection.lease) return this.#notEditor(connection);
    connection.submittedAt = performance.now();
    const { userId } = connection.identity;
    const timestamp = new Date().toISOString();
    const frame = contentUpdated(userId, nameOf(connection.identity), timestamp);
    await this.emit({ kind: "frame", frame });
  }

  async #requestAttention(connection: Connection, message: ClientMessage): Promise<void> {
    const { identity } = connection;
    const note = noteOf(message.message);
    if (note === undefined) return this.#noteTooLong(connection, "message");
    const interval = this.context.options.notification_request_interval;
    const key = `attention:${this.name}:${identity.userId}`;
    const { store } = this.context;
    if (await store.once(key, interval * 1000)) {
      const frame = JSON.stringify({
        type: serverMessage.attentionRequested,
        user_id: identity.userId,
        username: nameOf(identity),
        timestamp: new Date().toISOString(),
        message: note,
      });
      await this.emit({ kind: "frame", frame });
    } else {
      const seconds = Math.ceil(await store.onceIn(key) / 1000);
      connection.send({ type: serverMessage.attentionThrottled, seconds });
    }
    // Who must not call again yet still gets a place.
    if (!identity.canEdit || connection.lease) return;
    const member = connection.member(this.context.process);
    const { queue } = await store.enqueue(this.name, member);
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
    if (!result.granted) return this.deny(connection, "held", result.state);
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
