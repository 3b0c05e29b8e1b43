import type { Timing } from "./options.ts";
import {
  type ClaimResult,
  type CollabStore,
  type JoinResult,
  type Lease,
  type LeaveResult,
  type Lock,
  type LockMode,
  type Member,
  nameOf,
  type RoomState,
} from "./store.ts";

interface StoredLock {
  connection: string;
  process: string;
  userId: number;
  name: string;
  token: number;
  mode: LockMode;
  /** When it lapses. */
  ends: number;
  /** When it was granted or last renewed. */
  since: number;
}

interface StoredRoom {
  counter: number;
  revision: number;
  lock: StoredLock | null;
  queue: string[];
  members: Map<string, Member>;
}

/** The store of a single process, or of several hubs in one process. `now` is in milliseconds. */
export class MemoryStore implements CollabStore {
  readonly available = true;
  #rooms = new Map<string, StoredRoom>();
  /** When each process counts as crashed. */
  #processes = new Map<string, number>();
  #throttles = new Map<string, number>();
  #subscribers = new Map<string, Set<(message: string) => void>>();
  #timing: Timing;
  #now: () => number;

  constructor(timing: Timing, now: () => number = () => performance.now()) {
    this.#timing = timing;
    this.#now = now;
  }

  // deno-lint-ignore require-await
  async beat(process: string): Promise<string[]> {
    const now = this.#now();
    this.#processes.set(process, now + this.#timing.processTimeout);
    for (const [key, until] of this.#throttles) if (until <= now) this.#throttles.delete(key);
    return [...this.#processes].filter(([, ends]) => ends > now).map(([name]) => name);
  }

  // deno-lint-ignore require-await
  async retire(process: string): Promise<void> {
    this.#processes.set(process, this.#now());
  }

  // deno-lint-ignore require-await
  async join(name: string, member: Member): Promise<JoinResult> {
    const room = this.#room(name);
    const others = this.#present(room).filter((m) => m.connection !== member.connection);
    room.members.set(member.connection, member);
    return {
      members: [...others, member],
      first: !others.some((m) => m.userId === member.userId),
      revision: ++room.revision,
    };
  }

  // deno-lint-ignore require-await
  async update(name: string, member: Member): Promise<void> {
    const { members } = this.#room(name);
    if (members.has(member.connection)) members.set(member.connection, member);
  }

  // deno-lint-ignore require-await
  async leave(name: string, member: Member, keepLock: boolean): Promise<LeaveResult> {
    const room = this.#room(name);
    room.members.delete(member.connection);
    this.#removeFromQueue(room, member.connection);
    const { lock } = room;
    const holds = lock?.connection === member.connection &&
      (lock.mode === "held" || lock.mode === "pending");
    if (holds && keepLock) {
      room.lock = { ...lock, mode: "away", ends: this.#now() + this.#timing.grace };
    } else if (holds) room.lock = null;
    const last = !this.#present(room).some((m) => m.userId === member.userId);
    const result = {
      last,
      revision: ++room.revision,
      away: holds && keepLock,
      state: this.#state(room),
    };
    this.#forgetIfEmpty(name, room);
    return result;
  }

  // deno-lint-ignore require-await
  async members(name: string): Promise<Member[]> {
    const room = this.#rooms.get(name);
    return room ? this.#present(room) : [];
  }

  // deno-lint-ignore require-await
  async occupied(rooms: string[]): Promise<string[]> {
    return rooms.filter((name) => (this.#rooms.get(name)?.members.size ?? 0) > 0);
  }

  // deno-lint-ignore require-await
  async claim(name: string, member: Member, token?: number): Promise<ClaimResult> {
    const room = this.#room(name);
    const lock = this.#effective(room);
    if (!lock) {
      const waiting = this.#waiting(room);
      if (waiting.length === 0 || waiting[0] === member.connection) {
        return { granted: true, token: this.#grant(room, member).token, renewed: false };
      }
    } else if (lock.connection === member.connection) {
      room.lock = { ...room.lock!, mode: lock.mode === "held" ? "held" : "pending" };
      return { granted: true, token: lock.token, renewed: lock.mode === "held" };
    } else if (lock.userId === member.userId) {
      if (lock.away) {
        const same = token === lock.token ? token : undefined;
        return { granted: true, token: this.#grant(room, member, same).token, renewed: false };
      }
      if (token === lock.token) {
        return { granted: true, token: this.#grant(room, member).token, renewed: false };
      }
    }
    this.#addToQueue(room, member.connection);
    return { granted: false, state: this.#state(room) };
  }

  // deno-lint-ignore require-await
  async renew(leases: Lease[]): Promise<boolean[]> {
    return leases.map(({ room: name, member, token }) => {
      const room = this.#room(name);
      const { lock } = room;
      const now = this.#now();
      const own = lock?.connection === member.connection && lock.token === token &&
        (lock.mode === "held" || lock.mode === "pending");
      const forgotten = !lock && room.counter <= token;
      const kept = lock?.mode === "away" && lock.connection === "" &&
        lock.userId === member.userId && lock.token === token;
      if (!own && !forgotten && !kept) return false;
      room.counter = Math.max(room.counter, token);
      room.lock = {
        ...holderOf(member),
        token,
        mode: "held",
        ends: now + this.#timing.lease,
        since: now,
      };
      return true;
    });
  }

  // deno-lint-ignore require-await
  async raise(
    name: string,
    member: Member,
    token: number,
    atLeast: number,
  ): Promise<number | null> {
    const room = this.#room(name);
    if (!holds(room.lock, member, token)) return null;
    room.counter = Math.max(room.counter, atLeast) + 1;
    room.lock = { ...room.lock!, token: room.counter };
    return room.counter;
  }

  // deno-lint-ignore require-await
  async yieldTo(
    name: string,
    member: Member,
    token: number,
    holder: { userId: number; name: string; token: number },
  ): Promise<RoomState> {
    const room = this.#room(name);
    if (holds(room.lock, member, token)) {
      const now = this.#now();
      room.counter = Math.max(room.counter, holder.token);
      room.lock = {
        ...holder,
        connection: "",
        process: "",
        mode: "away",
        ends: now + this.#timing.grace,
        since: now,
      };
      this.#removeFromQueue(room, member.connection);
      room.queue.unshift(member.connection);
    }
    return this.#state(room);
  }

  // deno-lint-ignore require-await
  async release(name: string, member: Member, token: number, settle: number): Promise<boolean> {
    const room = this.#room(name);
    const { lock } = room;
    if (!holds(lock, member, token)) return false;
    room.lock = settle > 0 ? { ...lock!, mode: "settling", ends: this.#now() + settle } : null;
    return true;
  }

  // deno-lint-ignore require-await
  async transfer(
    name: string,
    member: Member,
    token: number,
    toUser: number,
  ): Promise<Lock | null> {
    const room = this.#room(name);
    if (!this.#effective(room) || !holds(room.lock, member, token)) return null;
    const present = this.#present(room).filter((m) =>
      m.userId === toUser && m.connection !== member.connection
    );
    const target = present.find((m) => room.queue.includes(m.connection)) ?? present[0];
    if (!target) return null;
    this.#grant(room, target);
    return this.#effective(room);
  }

  // deno-lint-ignore require-await
  async force(name: string, member: Member): Promise<{ token: number; previous: Lock | null }> {
    const room = this.#room(name);
    const previous = this.#effective(room);
    return { token: this.#grant(room, member).token, previous };
  }

  // deno-lint-ignore require-await
  async advance(name: string): Promise<{ promoted: Lock | null; state: RoomState }> {
    const room = this.#room(name);
    const lock = this.#effective(room);
    const waiting = this.#waiting(room);
    room.queue = waiting;
    const next = lock
      // A dropped editor who waits on a new connection is the one the lock is kept for.
      ? lock.away && waiting.find((id) => room.members.get(id)!.userId === lock.userId)
      : waiting[0];
    if (next) this.#grant(room, room.members.get(next)!);
    const promoted = next ? this.#effective(room) : null;
    const state = this.#state(room);
    this.#forgetIfEmpty(name, room);
    return { promoted, state };
  }

  // deno-lint-ignore require-await
  async inspect(name: string): Promise<RoomState> {
    const room = this.#rooms.get(name);
    return room ? this.#state(room) : { lock: null, queue: [] };
  }

  // deno-lint-ignore require-await
  async enqueue(name: string, member: Member): Promise<RoomState> {
    const room = this.#room(name);
    if (room.lock?.connection !== member.connection) this.#addToQueue(room, member.connection);
    return this.#state(room);
  }

  // deno-lint-ignore require-await
  async dequeue(name: string, member: Member): Promise<RoomState> {
    const room = this.#room(name);
    this.#removeFromQueue(room, member.connection);
    return this.#state(room);
  }

  // deno-lint-ignore require-await
  async once(key: string, milliseconds: number): Promise<boolean> {
    const now = this.#now();
    if ((this.#throttles.get(key) ?? -Infinity) > now) return false;
    this.#throttles.set(key, now + milliseconds);
    return true;
  }

  // deno-lint-ignore require-await
  async onceIn(key: string): Promise<number> {
    return Math.max(0, (this.#throttles.get(key) ?? -Infinity) - this.#now());
  }

  // deno-lint-ignore require-await
  async publish(channel: string, message: string): Promise<void> {
    for (const fn of this.#subscribers.get(channel) ?? []) fn(message);
  }

  // deno-lint-ignore require-await
  async subscribe(channel: string, fn: (message: string) => void): Promise<() => Promise<void>> {
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, subscribers.add(fn));
    // deno-lint-ignore require-await
    return async () => {
      subscribers.delete(fn);
      if (subscribers.size === 0) this.#subscribers.delete(channel);
    };
  }

  /** The memory of a process is always there. */
  onAvailability(): void {}

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#subscribers.clear();
  }

  #room(name: string): StoredRoom {
    let room = this.#rooms.get(name);
    if (!room) {
      room = { counter: 0, revision: 0, lock: null, queue: [], members: new Map() };
      this.#rooms.set(name, room);
    }
    return room;
  }

  /** The database remembers the token of a room that nobody is in. */
  #forgetIfEmpty(name: string, room: StoredRoom): void {
    if (room.members.size === 0 && !this.#effective(room)) this.#rooms.delete(name);
  }

  #lives(process: string): boolean {
    return (this.#processes.get(process) ?? -Infinity) > this.#now();
  }

  #present(room: StoredRoom): Member[] {
    return [...room.members.values()].filter((m) => this.#lives(m.process));
  }

  #waiting(room: StoredRoom): string[] {
    return room.queue.filter((id) => {
      const member = room.members.get(id);
      return member && this.#lives(member.process);
    });
  }

  #addToQueue(room: StoredRoom, connection: string): void {
    if (!room.queue.includes(connection)) room.queue.push(connection);
  }

  #removeFromQueue(room: StoredRoom, connection: string): void {
    room.queue = room.queue.filter((id) => id !== connection);
  }

  #grant(room: StoredRoom, member: Member, token = ++room.counter): StoredLock {
    const now = this.#now();
    this.#removeFromQueue(room, member.connection);
    room.lock = {
      ...holderOf(member),
      token,
      mode: "pending",
      ends: now + this.#timing.pending,
      since: now,
    };
    return room.lock;
  }

  #effective({ lock }: StoredRoom): Lock | null {
    if (!lock) return null;
    const now = this.#now();
    let { ends } = lock;
    let away = lock.mode === "away";
    if (lock.mode === "held" || lock.mode === "pending") {
      const died = this.#processes.get(lock.process) ?? -Infinity;
      if (died <= now) {
        away = true;
        ends = Math.min(ends, Math.max(died, lock.since) + this.#timing.grace);
      }
    }
    if (ends <= now) return null;
    const { connection, process, userId, name, token, mode } = lock;
    return { connection, process, userId, name, token, mode, away, remaining: ends - now };
  }

  #state(room: StoredRoom): RoomState {
    return { lock: this.#effective(room), queue: this.#waiting(room) };
  }
}

function holderOf(member: Member) {
  const { connection, process, userId } = member;
  return { connection, process, userId, name: nameOf(member) };
}

function holds(lock: StoredLock | null, member: Member, token: number): boolean {
  return lock?.connection === member.connection && lock.token === token &&
    (lock.mode === "held" || lock.mode === "pending");
}
