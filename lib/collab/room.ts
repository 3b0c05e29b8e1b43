import { type PresentUser, serverMessage } from "../protocol/mod.ts";
import type { ClientMessage, Connection } from "./connection.ts";
import type { HubContext } from "./context.ts";
import type { Person, RoomEvent } from "./events.ts";
import { type LeaveResult, type Member, nameOf, StoreUnavailable } from "./store.ts";

export interface KnownPerson extends Person {
  /** Of the joining that made the person known. */
  revision: number;
  /** Tells a newcomer of the person. */
  frame: string;
}

/**
 * This process's side of a room: its connections, and who is present in all processes. What happens
 * is an event that every process applies to its own connections.
 */
export abstract class Room {
  readonly name: string;
  readonly connections = new Map<string, Connection>();
  /** Connections of this process that enter, are in or leave the room. */
  references = 0;
  protected readonly context: HubContext;
  protected readonly people = new Map<number, KnownPerson>();
  #unsubscribe: (() => Promise<void>) | undefined;
  #subscribing: Promise<void> | undefined;
  #listener = (message: string) => {
    const { origin, event } = JSON.parse(message) as { origin: string; event: RoomEvent };
    if (origin !== this.context.process) this.apply(event);
  };

  constructor(context: HubContext, name: string) {
    this.context = context;
    this.name = name;
  }

  abstract receive(connection: Connection, message: ClientMessage): Promise<void>;
  /** Tells a newcomer who is there; nothing else may reach it before. */
  protected abstract introduce(connection: Connection, me: Person): void;
  /** What a newcomer is told after that. */
  protected abstract greet(connection: Connection, available: boolean): Promise<void> | void;
  protected abstract joinedFrame(person: Person): string;
  protected abstract leftFrame(person: Person): string;
  /** After the store knows that a connection left. */
  protected abstract left(connection: Connection, result: LeaveResult): Promise<void>;

  async enter(connection: Connection): Promise<void> {
    const { store, process } = this.context;
    let joined: { members: Member[]; first: boolean; revision: number } | undefined;
    try {
      await this.subscribe();
      joined = await store.join(this.name, connection.member(process));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    const me = personOf(connection.member(process));
    if (joined) this.#learn(joined.members, joined.revision, me.userId);
    this.introduce(connection, me);
    this.connections.set(connection.id, connection);
    const event: RoomEvent = {
      kind: "joined",
      person: me,
      revision: joined?.revision ?? 0,
      except: connection.id,
    };
    if (joined?.first) await this.emit(event);
    else this.apply(event);
    connection.send({ type: serverMessage.presentUsers, users: this.present() });
    await this.greet(connection, joined !== undefined);
  }

  async exit(connection: Connection): Promise<void> {
    const { store, process } = this.context;
    this.connections.delete(connection.id);
    const member = connection.member(process);
    try {
      const result = await store.leave(this.name, member, !connection.revoked);
      await this.left(connection, result);
      if (result.last && !result.away) {
        await this.emit({ kind: "left", userId: member.userId, revision: result.revision });
      }
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.context.leaveLater(this.name, member, !connection.revoked);
      if (![...this.connections.values()].some((c) => c.identity.userId === member.userId)) {
        this.forget(member.userId);
      }
    }
  }

  /** Applies an event here and in the other processes. */
  async emit(event: RoomEvent): Promise<void> {
    this.apply(event);
    try {
      const message = JSON.stringify({ origin: this.context.process, event });
      await this.context.store.publish(this.channel, message);
    } catch (error) {
      // The others will ask for the room's state when the store is back.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }

  apply(event: RoomEvent): void {
    switch (event.kind) {
      case "frame":
        return this.broadcast(event.frame, event.except, event.user);
      case "joined": {
        const known = this.people.get(event.person.userId);
        if (known && known.revision > event.revision) return;
        this.#remember(event.person, event.revision);
        if (!known) this.broadcast(this.joinedFrame(event.person), event.except);
        return;
      }
      case "left": {
        const known = this.people.get(event.userId);
        if (known && known.revision < event.revision) this.forget(event.userId);
        return;
      }
      case "person": {
        const known = this.people.get(event.person.userId);
        if (known) this.#remember(event.person, known.revision);
        return this.broadcast(event.frame);
      }
    }
  }

  /** Serialised once, sent to each. */
  broadcast(frame: string, except?: string, user?: number): void {
    for (const connection of this.connections.values()) {
      if (connection.id === except) continue;
      if (user !== undefined && connection.identity.userId !== user) continue;
      connection.send(frame);
    }
  }

  /** Makes this process's view true again after it, another process or the store was away. */
  async resync(): Promise<void> {
    const { store, process } = this.context;
    await this.subscribe();
    for (const connection of this.connections.values()) {
      const member = connection.member(process);
      const { revision, first } = await store.join(this.name, member);
      const event: RoomEvent = { kind: "joined", person: personOf(member), revision };
      if (first) await this.emit(event);
      else this.apply(event);
    }
    await this.refresh();
  }

  /** Forgets who was in a process that died, and learns of whom it missed. */
  async refresh(): Promise<void> {
    const members = await this.context.store.members(this.name);
    this.#learn(members, 0);
    const present = new Set(members.map((m) => m.userId));
    for (const { userId } of [...this.people.values()]) {
      if (!present.has(userId) && !this.isExpected(userId)) this.forget(userId);
    }
  }

  async close(): Promise<void> {
    await this.#unsubscribe?.();
  }

  get channel(): string {
    return `room:${this.name}`;
  }

  protected present(): PresentUser[] {
    return [...this.people.values()].map((person) => ({
      user_id: person.userId,
      username: nameOf(person),
      email: person.email,
      avatar_url: person.avatarUrl,
      idle: person.idle,
      field: person.field,
    }));
  }

  /** Whether an absent user is still shown because the lock is kept for it. */
  protected isExpected(_userId: number): boolean {
    return false;
  }

  protected forget(userId: number): void {
    const person = this.people.get(userId);
    if (!person) return;
    this.people.delete(userId);
    this.broadcast(this.leftFrame(person));
  }

  /** Tells the store and the others what changed about the connection's person. */
  protected async updatePerson(connection: Connection, message: object): Promise<void> {
    const member = connection.member(this.context.process);
    try {
      await this.context.store.update(this.name, member);
    } catch (error) {
      // The store learns it when the member joins again.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    await this.emit({ kind: "person", person: personOf(member), frame: JSON.stringify(message) });
  }

  /** Somebody went idle or came back. */
  protected async activity(connection: Connection, message: ClientMessage): Promise<void> {
    connection.idle = message.idle === true;
    await this.updatePerson(connection, {
      type: serverMessage.activity,
      user_id: connection.identity.userId,
      idle: connection.idle,
    });
  }

  protected subscribe(): Promise<void> {
    return this.#subscribing ??= this.context.store.subscribe(this.channel, this.#listener)
      .then((unsubscribe) => {
        this.#unsubscribe = unsubscribe;
      }, (error) => {
        this.#subscribing = undefined;
        throw error;
      });
  }

  #learn(members: Member[], revision: number, except?: number): void {
    for (const member of members) {
      if (member.userId === except || this.people.has(member.userId)) continue;
      const person = personOf(member);
      this.#remember(person, revision);
      this.broadcast(this.joinedFrame(person));
    }
  }

  #remember(person: Person, revision: number): void {
    this.people.set(person.userId, { ...person, revision, frame: this.joinedFrame(person) });
  }
}

function personOf(member: Member): Person {
  const { userId, username, email, avatarUrl, joinedAt, idle, field } = member;
  return { userId, username, email, avatarUrl, joinedAt, idle, field };
}
