/** Edit locks: the high-water mark of each room's fencing token, and an index for unread chat. */
export const up = `
CREATE TABLE lockstep.edit_lock (
  room text PRIMARY KEY,
  fencing_token bigint NOT NULL,
  -- Who was granted the token; null when it was released or revoked.
  holder_id integer,
  holder_name text NOT NULL DEFAULT '',
  granted_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX chat_message_unread ON lockstep.chat_message (recipient_id, page)
  WHERE read_at IS NULL;
`;

export const down = `
DROP INDEX lockstep.chat_message_unread;
DROP TABLE lockstep.edit_lock;
`;
