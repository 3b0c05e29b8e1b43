import type { Connection, Database } from "../db/mod.ts";

export interface ChatRow {
  id: number;
  sender_id: number;
  recipient_id: number;
  message: string;
  sent_at: Date;
  read_at: Date | null;
}

/** Chat messages in the database, by page and pair of people. */
export class ChatArchive {
  #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Undefined when there is no active user `recipient`. */
  async store(
    page: string,
    sender: number,
    recipient: number,
    message: string,
  ): Promise<ChatRow | undefined> {
    const [row] = await this.#db.query<ChatRow>(
      `INSERT INTO lockstep.chat_message (page, sender_id, recipient_id, message)
       SELECT $1, $2, id, $4
       FROM lockstep.app_user
       WHERE id = $3 AND is_active
       RETURNING id, sender_id, recipient_id, message, sent_at, read_at`,
      [page, sender, recipient, message],
    );
    return row;
  }

  /** The newest `limit` messages of the pair that are older than `before`, oldest first. */
  async history(
    page: string,
    user: number,
    other: number,
    limit: number,
    before = Number.MAX_SAFE_INTEGER,
  ): Promise<ChatRow[]> {
    const rows = await this.#db.query<ChatRow>(
      `SELECT id, sender_id, recipient_id, message, sent_at, read_at
       FROM lockstep.chat_message
       WHERE page = $1 AND id < $4
         AND ((sender_id = $2 AND recipient_id = $3) OR (sender_id = $3 AND recipient_id = $2))
       ORDER BY id DESC
       LIMIT $5`,
      [page, user, other, before, limit],
    );
    return rows.reverse();
  }

  /** Of whom the user has unread messages on the page, and how many. */
  async unread(
    page: string,
    user: number,
  ): Promise<{ user_id: number; username: string; count: number }[]> {
    return await this.#db.query(
      `SELECT m.sender_id AS user_id, coalesce(nullif(u.email, ''), u.username) AS username,
         count(*)::integer AS count
       FROM lockstep.chat_message m
       JOIN lockstep.app_user u ON u.id = m.sender_id
       WHERE m.recipient_id = $2 AND m.page = $1 AND m.read_at IS NULL
       GROUP BY m.sender_id, u.email, u.username
       ORDER BY m.sender_id`,
      [page, user],
    );
  }

  /** Marks what `sender` wrote as read, up to a message. Resolves to how many were unread. */
  async markRead(page: string, user: number, sender: number, upTo: number): Promise<number> {
    const { count } = await this.#db.execute(
      `UPDATE lockstep.chat_message
       SET read_at = now()
       WHERE recipient_id = $2 AND page = $1 AND read_at IS NULL AND sender_id = $3 AND id <= $4`,
      [page, user, sender, upTo],
    );
    return count;
  }
}

/** Deletes chat messages older than `days`. Resolves to their number. */
export async function purgeChat(connection: Connection, days: number): Promise<number> {
  const { count } = await connection.execute(
    `DELETE FROM lockstep.chat_message
     WHERE sent_at < now() - $1::float8 * interval '1 day'`,
    [days],
  );
  return count;
}
