import { closeCode } from "../protocol/mod.ts";
import type { Connection } from "./connection.ts";
import type { HubContext } from "./context.ts";
import type { CollabIdentity, Standing } from "./identity.ts";
import { RecordRoom } from "./record_room.ts";
import type { Room } from "./room.ts";

/** How often the check may fail in a row before the socket is closed. */
const uncheckedRounds = 3;

/** Asks whether those who are connected still may be. */
export class SessionChecks {
  #context: HubContext;
  /** Rounds in a row in which nothing could be found out about a connection. */
  #unchecked = new Map<Connection, number>();

  constructor(context: HubContext) {
    this.#context = context;
  }

  forget(connection: Connection): void {
    this.#unchecked.delete(connection);
  }

  /** Closes the sockets of those who may not be here any more, and takes the lock from who may only look. */
  async run(connections: [Connection, Room][]): Promise<void> {
    const checks = new Map<string, Promise<Standing | undefined>>();
    for (const [connection, room] of connections) {
      const { identity } = connection;
      const key = `${identity.userId} ${identity.sessionId} ${room.name}`;
      const pending = checks.get(key) ?? this.#check(identity, room.name);
      checks.set(key, pending);
      const standing = await pending;
      if (connection.gone) continue;
      if (standing === "signed_out") {
        connection.revoke(closeCode.signedOut, "The session has ended");
      } else if (standing === "forbidden") {
        connection.revoke(closeCode.forbidden, "The right to see this page was withdrawn");
      } else if (standing) {
        this.#unchecked.delete(connection);
        connection.identity = standing;
        if (!standing.canEdit && room instanceof RecordRoom) await room.disqualify(connection);
      } else {
        const rounds = (this.#unchecked.get(connection) ?? 0) + 1;
        this.#unchecked.set(connection, rounds);
        if (rounds >= uncheckedRounds) {
          connection.revoke(closeCode.tryAgainLater, "The session cannot be checked");
        }
      }
    }
  }

  async #check(identity: CollabIdentity, room: string): Promise<Standing | undefined> {
    try {
      return await this.#context.stillAllowed(identity, room);
    } catch (error) {
      this.#context.report(error);
    }
  }
}
