import { collabLimits } from "../protocol/mod.ts";

/**
 * Options of collaboration: `ADMIN_COLLABORATOR_OPTIONS` of django-admin-collaborator under the same
 * names, and ours. Durations are seconds.
 */
export interface CollabOptions {
  editor_mode_text: string;
  viewer_mode_text: string;
  claiming_editor_text: string;
  /** Column of the user that holds the address of the avatar; null shows initials. */
  avatar_field: string | null;
  /** Least time between two attention requests of one user in one room. */
  notification_request_interval: number;
  notification_message: string;
  notification_button_text: string;
  notification_request_sent_text: string;
  enable_chat: boolean;
  chat_user_list_title: string;
  chat_empty_state_text: string;
  chat_start_conversation_text: string;
  chat_input_placeholder: string;
  chat_online_status_text: string;

  /** Longest chat message, in characters. */
  chat_length: number;
  /** Chat messages that a person may send per minute in the long run. */
  chat_per_minute: number;
  /** Longest frame from a browser, in UTF-16 units. */
  frame_length: number;
  /** Messages per second that a connection may send in the long run. */
  messages_per_second: number;
  /** Bytes not yet taken by the reader before the socket is closed. */
  buffered_bytes: number;

  /** How often leases are renewed while the editor's socket lives. */
  heartbeat_interval: number;
  /** Lease: how long a lock outlives its last renewal. */
  stale_after: number;
  /** How long a dropped editor may take to come back. */
  grace: number;
  /** How long a lock stays reserved for the form that its editor is submitting after a release. */
  submit_grace: number;
  /** How long a viewer's process may take to confirm that the viewer was promoted. */
  promotion_timeout: number;
  /** How often each process says that it lives, and how long without it counts as crashed. */
  process_beat: number;
  process_timeout: number;
  /** Longest time between two checks of a connection's session and rights; at most 60. */
  session_check_interval: number;
}

export const defaultCollabOptions: CollabOptions = {
  editor_mode_text: "You are in editor mode.",
  viewer_mode_text:
    "This page is being edited by {editor_name}. You cannot make changes until they leave.",
  claiming_editor_text: "The editor has left. The page will refresh shortly to allow editing.",
  avatar_field: null,
  notification_request_interval: 15,
  notification_message: "User {username} is requesting the editors attention.",
  notification_button_text: "Request Editor Attention",
  notification_request_sent_text: "Request sent.",
  enable_chat: true,
  chat_user_list_title: "Online Users",
  chat_empty_state_text: "No other users online",
  chat_start_conversation_text: "No messages yet. Start the conversation!",
  chat_input_placeholder: "Type a message...",
  chat_online_status_text: "Online",

  chat_length: collabLimits.chatLength,
  chat_per_minute: collabLimits.chatPerSecond * 60,
  frame_length: collabLimits.frameLength,
  messages_per_second: collabLimits.messagesPerSecond,
  buffered_bytes: collabLimits.bufferedBytes,

  heartbeat_interval: 15,
  stale_after: 120,
  grace: 15,
  submit_grace: 2,
  promotion_timeout: 10,
  process_beat: 2,
  process_timeout: 8,
  session_check_interval: 45,
};

/** How the Redis store reconnects: `ADMIN_COLLABORATOR_REDIS_*`. Seconds. */
export interface RedisOptions {
  redis_max_retries: number;
  /** Delay before the first retry; doubled before each further one. */
  redis_retry_delay: number;
  /** Bound on connecting and on each command. */
  redis_socket_timeout: number;
  /** Of one process; with 1 commands and subscriptions share it. */
  redis_max_connections: number;
}

export const defaultRedisOptions: RedisOptions = {
  redis_max_retries: 3,
  redis_retry_delay: 0.5,
  redis_socket_timeout: 5,
  redis_max_connections: 10,
};

/** The durations that a store needs, in milliseconds. */
export interface Timing {
  lease: number;
  grace: number;
  pending: number;
  processTimeout: number;
}

export function timingOf(options: CollabOptions): Timing {
  return {
    lease: options.stale_after * 1000,
    grace: options.grace * 1000,
    pending: options.promotion_timeout * 1000,
    processTimeout: options.process_timeout * 1000,
  };
}
