import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../lib/ui/mod.ts";
import { Avatar } from "./Avatar.tsx";
import type { ChatMessage, ChatSession, Contact } from "./chat_session.ts";
import { pieces } from "./links.ts";

/** The chat, folded at the lower right of the page. */
export function ChatPanel({ chat }: { chat: ChatSession }) {
  const unread = chat.unread();
  const shown = chat.shown.value;
  const open = chat.open.value;
  const contact = chat.contacts.value.find(({ id }) => id === open);
  const toggle = useRef<HTMLButtonElement>(null);
  return (
    <aside class={`chat${shown ? " is-open" : ""}`} aria-label="Chat">
      <button
        ref={toggle}
        type="button"
        class="chat-toggle"
        aria-expanded={shown}
        onClick={() => chat.show(!shown)}
      >
        <Icon name="chat-dots" /> Chat
        {unread > 0 && (
          <span class="chat-unread figures">
            {unread}
            <span class="visually-hidden">
              {unread === 1 ? " unread message" : " unread messages"}
            </span>
          </span>
        )}
        <Icon name={shown ? "chevron-down" : "chevron-up"} />
      </button>
      {shown && (
        <div
          class="chat-body"
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            chat.show(false);
            toggle.current?.focus();
          }}
        >
          {!chat.connected.value && (
            <p class="chat-notice">
              <Icon name="wifi-off" /> Connection lost. Connecting again…
            </p>
          )}
          {chat.notice.value && <p class="chat-notice" role="status">{chat.notice.value}</p>}
          {contact ? <Talk chat={chat} contact={contact} /> : <Contacts chat={chat} />}
        </div>
      )}
    </aside>
  );
}

function Contacts({ chat }: { chat: ChatSession }) {
  const { texts } = chat.page;
  const contacts = chat.contacts.value.filter(({ online, unread }) => online || unread > 0);
  return (
    <>
      <h2>{texts.chatTitle}</h2>
      {contacts.length === 0 && <p class="chat-empty">{texts.chatEmpty}</p>}
      <ul class="chat-contacts">
        {contacts.map(({ id, name, avatarUrl, online, unread }) => (
          <li key={id}>
            <button type="button" onClick={() => chat.talkTo(id)}>
              <Avatar userId={id} name={name} url={avatarUrl} />
              <span class="chat-name">{name}</span>
              <Presence online={online} text={texts.chatOnline} />
              {unread > 0 && (
                <span class="chat-unread figures">
                  {unread}
                  <span class="visually-hidden">unread</span>
                </span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Presence({ online, text }: { online: boolean; text: string }) {
  return (
    <span class={`chat-presence${online ? " is-online" : ""}`}>{online ? text : "Offline"}</span>
  );
}

function Talk({ chat, contact }: { chat: ChatSession; contact: Contact }) {
  const { texts, chatLength } = chat.page;
  const { messages, hasMore } = chat.conversation.value;
  const [text, setText] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLTextAreaElement>(null);
  const newest = messages.at(-1);
  useEffect(() => {
    list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [newest?.id, newest?.clientId, contact.id]);
  useEffect(() => input.current?.focus(), [contact.id]);
  const send = () => {
    chat.say(text);
    setText("");
  };
  return (
    <>
      <div class="chat-head">
        <button
          type="button"
          class="btn btn-sm btn-outline-secondary"
          aria-label="Back to the list"
          onClick={() => chat.talkTo(null)}
        >
          <Icon name="chevron-left" />
        </button>
        <Avatar userId={contact.id} name={contact.name} url={contact.avatarUrl} />
        <h2 class="chat-name">{contact.name}</h2>
        <Presence online={contact.online} text={texts.chatOnline} />
      </div>
      <div class="chat-scroll" ref={list} role="log" aria-label="Messages" tabIndex={0}>
        <ol class="chat-messages">
          {hasMore && (
            <li class="chat-more">
              <button type="button" class="btn btn-sm btn-link" onClick={() => chat.older()}>
                Older messages
              </button>
            </li>
          )}
          {messages.length === 0 && <li class="chat-empty">{texts.chatStart}</li>}
          {messages.map((message) => (
            <Message
              key={message.clientId ?? message.id}
              message={message}
              onAgain={() => chat.again(message)}
            />
          ))}
        </ol>
      </div>
      <p class="chat-typing" aria-live="polite">
        {chat.typing.value === contact.id
          ? `${contact.name} is typing…`
          : contact.online
          ? ""
          : "They read it when they open this page again."}
      </p>
      <div class="chat-input">
        <textarea
          ref={input}
          class="form-control"
          rows={1}
          aria-label={`Message to ${contact.name}`}
          placeholder={texts.chatPlaceholder}
          maxLength={chatLength}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            chat.typed();
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button
          type="button"
          class="btn btn-primary"
          disabled={text.trim() === ""}
          onClick={send}
        >
          Send
        </button>
      </div>
    </>
  );
}

function Message({ message, onAgain }: { message: ChatMessage; onAgain(): void }) {
  const { own, text, at, id, read, failed } = message;
  const time = new Date(at);
  return (
    <li class={`chat-message${own ? " is-own" : ""}${failed ? " is-failed" : ""}`}>
      <span class="visually-hidden">{own ? "You: " : "They: "}</span>
      <span class="chat-text" dir="auto">
        {pieces(text).map(({ text, href }, i) =>
          href === undefined
            ? text
            : <a key={i} href={href} target="_blank" rel="noopener noreferrer nofollow">{text}</a>
        )}
      </span>
      <small>
        <time dateTime={at} title={time.toISOString()}>
          {time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}
        </time>
        {own && !failed && (id === undefined ? " · Sending" : read ? " · Read" : " · Sent")}
        {failed && (
          <>
            {` · ${failed} `}
            <button type="button" class="btn btn-link btn-sm" onClick={onAgain}>Send again</button>
          </>
        )}
      </small>
    </li>
  );
}
