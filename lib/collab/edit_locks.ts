import type { Connection, Database, Transaction } from "../db/mod.ts";
import { isCurrent, recordGrant, recordRelease } from "./fencing.ts";
import type { CollabStore, Lock, Member, RoomState } from "./store.ts";

export type GrantResult =
  /** The lease is in force for `until - performance.now()` milliseconds. */
  | { granted: true; token: number; until: number; renewed: boolean }
  | { granted: false; state: RoomState };

/**
 * Edit locks over a store, with tokens that never go back. A grant takes three steps: the store
 * gives the lock (*pending*), the database records the token, the store confirms the lease. Only
 * then may the holder be told; a step that fails leaves a pending lock, which soon lapses.
 */
export class EditLocks {
  #db: Database;
  #store: CollabStore;
  #lease: number;

  /** `lease` is in milliseconds and must be the store's. */
  constructor(db: Database, store: CollabStore, lease: number) {
    this.#db = db;
    this.#store = store;
    this.#lease = lease;
  }

  /** `token` is what the member's tab held before its connection dropped. */
  async claim(room: string, member: Member, token?: number): Promise<GrantResult> {
    const until = performance.now() + this.#lease;
    const claim = await this.#store.claim(room, member, token);
    if (!claim.granted) return claim;
    if (claim.renewed) {
      return { granted: true, token: claim.token, until, renewed: true };
    }
    try {
      return await this.confirm(room, member, claim.token, token);
    } catch (error) {
      await this.#store.release(room, member, claim.token, 0).catch(() => {});
      throw error;
    }
  }

  /** Completes the grant of a pending lock; `returning` is a token that the member held before. */
  async confirm(
    room: string,
    member: Member,
    token: number,
    returning?: number,
  ): Promise<GrantResult> {
    return await this.#complete(this.#db, room, member, token, {
      returning,
      polite: true,
    });
  }

  /**
   * Takes the lock from whoever has it. `audit` runs in the transaction that records the token: when
   * it throws, the lock is not taken over.
   */
  async force(
    room: string,
    member: Member,
    audit: (tx: Transaction, token: number, previous: Lock | null) => Promise<void>,
  ): Promise<GrantResult & { previous: Lock | null }> {
    const { token, previous } = await this.#store.force(room, member);
    try {
      const result = await this.#db.transaction({}, async (tx) => {
        const recorded = await this.#record(tx, room, member, token, { polite: false });
        if (typeof recorded === "number") await audit(tx, recorded, previous);
        return recorded;
      });
      return { ...await this.#renew(room, member, result), previous };
    } catch (error) {
      await this.#store.release(room, member, token, 0).catch(() => {});
      throw error;
    }
  }

  /** Whether the lock was the member's. `settle` keeps others waiting for that many milliseconds. */
  async release(room: string, member: Member, token: number, settle = 0): Promise<boolean> {
    const released = await this.#store.release(room, member, token, settle);
    // While it settles, the form that is being submitted still needs the token's holder.
    if (released && settle === 0) await recordRelease(this.#db, room, token);
    return released;
  }

  async #complete(
    connection: Connection,
    room: string,
    member: Member,
    token: number,
    how: { returning?: number; polite: boolean },
  ): Promise<GrantResult> {
    return await this.#renew(
      room,
      member,
      await this.#record(connection, room, member, token, how),
    );
  }

  /** Records the token, or a higher one when the store has forgotten how high it was. */
  async #record(
    connection: Connection,
    room: string,
    member: Member,
    token: number,
    { returning, polite }: { returning?: number; polite: boolean },
  ): Promise<number | RoomState> {
    if (returning === token && await isCurrent(connection, room, token, member.userId)) {
      return token;
    }
    for (;;) {
      const mark = await recordGrant(connection, room, token, member, this.#lease);
      if (!mark) return token;
      const { holderId, holderName } = mark;
      if (polite && mark.fresh && holderId !== null && holderId !== member.userId) {
        const holder = { userId: holderId, name: holderName, token: mark.token };
        return await this.#store.yieldTo(room, member, token, holder);
      }
      const raised = await this.#store.raise(room, member, token, mark.token);
      if (raised === null) return await this.#store.inspect(room);
      token = raised;
    }
  }

  async #renew(room: string, member: Member, recorded: number | RoomState): Promise<GrantResult> {
    if (typeof recorded !== "number") return { granted: false, state: recorded };
    const until = performance.now() + this.#lease;
    const [held] = await this.#store.renew([{ room, member, token: recorded }]);
    return held
      ? { granted: true, token: recorded, until, renewed: false }
      : { granted: false, state: await this.#store.inspect(room) };
  }
}
