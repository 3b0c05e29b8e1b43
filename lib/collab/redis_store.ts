import type { RedisOptions, Timing } from "./options.ts";
import { RedisLink } from "./redis_link.ts";
import { redisScripts, type ScriptName } from "./redis_scripts.ts";
import {
  type ClaimResult,
  type CollabStore,
  type JoinResult,
  type Lease,
  type LeaveResult,
  type Lock,
  type Member,
  nameOf,
  type RoomState,
} from "./store.ts";

/** The store that several processes share. */
export class RedisStore implements CollabStore {
  #link: RedisLink;
  #timing: Timing;
  #prefix: string;

  private constructor(link: RedisLink, timing: Timing, prefix: string) {
    this.#link = link;
    this.#timing = timing;
    this.#prefix = prefix;
  }

  /** Resolves also when Redis is down; then `available` is false until it is reached. */
  static async open(
    url: string,
    timing: Timing,
    options?: RedisOptions,
    prefix = "lockstep:collab:",
  ): Promise<RedisStore> {
    return new RedisStore(await RedisLink.open(url, options), timing, prefix);
  }

  get available(): boolean {
    return this.#link.up;
  }

  onAvailability(fn: (available: boolean) => void): void {
    this.#link.onChange(fn);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async beat(process: string): Promise<string[]> {
    const [, live] = await this.#run("beat", "", [process]) as [string, string[]];
    return live;
  }

  async retire(process: string): Promise<void> {
    await this.#run("retire", "", [process]);
  }

  async join(room: string, member: Member): Promise<JoinResult> {
    const [head, members] = await this.#run("join", room, entry(member)) as [string, string[]];
    return { ...JSON.parse(head), members: members.map(parseMember) };
  }

  async update(room: string, member: Member): Promise<void> {
    await this.#run("update", room, entry(member));
  }

  async leave(room: string, member: Member, keepLock: boolean): Promise<LeaveResult> {
    const args = [...entry(member), keepLock ? "1" : "0"];
    const result = await this.#json<LeaveResult>("leave", room, args);
    return { ...result, state: normalState(result.state) };
  }

  async members(room: string): Promise<Member[]> {
    const [, members] = await this.#run("members", room, []) as [string, string[]];
    return members.map(parseMember);
  }

  async occupied(rooms: string[]): Promise<string[]> {
    const found = await Promise.all(
      rooms.map((room) => this.#link.command("EXISTS", this.#key("members", room))),
    );
    return rooms.filter((_, i) => found[i] === 1);
  }

  async claim(room: string, member: Member, token?: number): Promise<ClaimResult> {
    const args = [...entry(member), String(token ?? "")];
    const result = await this.#json<ClaimResult>("claim", room, args);
    return result.granted ? result : { granted: false, state: normalState(result.state) };
  }

  renew(leases: Lease[]): Promise<boolean[]> {
    return Promise.all(
      leases.map(({ room, member, token }) =>
        this.#json<boolean>("renew", room, [...entry(member), String(token)])
      ),
    );
  }

  raise(room: string, member: Member, token: number, atLeast: number): Promise<number | null> {
    return this.#json("raise", room, [...entry(member), String(token), String(atLeast)]);
  }

  async yieldTo(
    room: string,
    member: Member,
    token: number,
    holder: { userId: number; name: string; token: number },
  ): Promise<RoomState> {
    const kept = [String(holder.userId), holder.name, String(holder.token)];
    return normalState(
      await this.#json("yieldTo", room, [...entry(member), String(token), ...kept]),
    );
  }

  release(room: string, member: Member, token: number, settle: number): Promise<boolean> {
    return this.#json("release", room, [...entry(member), String(token), String(settle)]);
  }

  transfer(room: string, member: Member, token: number, toUser: number): Promise<Lock | null> {
    return this.#json("transfer", room, [...entry(member), String(token), String(toUser)]);
  }

  async force(room: string, member: Member): Promise<{ token: number; previous: Lock | null }> {
    const { token, previous } = await this.#json<{ token: number; previous?: Lock }>(
      "force",
      room,
      entry(member),
    );
    return { token, previous: previous ?? null };
  }

  async advance(room: string): Promise<{ promoted: Lock | null; state: RoomState }> {
    const { promoted, state } = await this.#json<{ promoted?: Lock; state: RoomState }>(
      "advance",
      room,
      [],
    );
    return { promoted: promoted ?? null, state: normalState(state) };
  }

  async inspect(room: string): Promise<RoomState> {
    return normalState(await this.#json("inspect", room, []));
  }

  async enqueue(room: string, member: Member): Promise<RoomState> {
    return normalState(await this.#json("enqueue", room, entry(member)));
  }

  async dequeue(room: string, member: Member): Promise<RoomState> {
    return normalState(await this.#json("dequeue", room, entry(member)));
  }

  async once(key: string, milliseconds: number): Promise<boolean> {
    const name = this.#key("once", key);
    const ttl = String(Math.max(1, Math.ceil(milliseconds)));
    return await this.#link.command("SET", name, "1", "NX", "PX", ttl) === "OK";
  }

  async onceIn(key: string): Promise<number> {
    return Math.max(0, Number(await this.#link.command("PTTL", this.#key("once", key))));
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#link.command("PUBLISH", this.#prefix + channel, message);
  }

  subscribe(channel: string, fn: (message: string) => void): Promise<() => Promise<void>> {
    return this.#link.subscribe(this.#prefix + channel, fn);
  }

  #key(kind: string, name: string): string {
    return `${this.#prefix}${kind}:${name}`;
  }

  #run(script: ScriptName, room: string, args: string[]): Promise<unknown> {
    const { lease, grace, pending, processTimeout } = this.#timing;
    return this.#link.script(
      redisScripts[script],
      [
        this.#key("room", room),
        this.#key("members", room),
        this.#key("queue", room),
        `${this.#prefix}processes`,
      ],
      [lease, grace, pending, processTimeout].map(String).concat(args),
    );
  }

  async #json<T>(script: ScriptName, room: string, args: string[]): Promise<T> {
    return JSON.parse(await this.#run(script, room, args) as string);
  }
}

/** A member as the scripts take it: the connection, and what is stored of it. */
function entry(member: Member): string[] {
  const json = JSON.stringify({ ...member, name: nameOf(member) });
  return [member.connection, `${member.process}\t${member.userId}\t${json}`];
}

function parseMember(json: string): Member {
  const { name: _, ...member } = JSON.parse(json);
  return member;
}

/** Lua has one empty table for lists and objects, and none for null. */
function normalState(state: { lock?: Lock | null; queue: unknown }): RoomState {
  return { lock: state.lock ?? null, queue: Array.isArray(state.queue) ? state.queue : [] };
}
