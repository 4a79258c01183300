"use strict";
// Every chat has a key of its own; the newest is the current one, older ones stay.
const chats = () =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith("chat:"))
    .map((key) => JSON.parse(localStorage.getItem(key)))
    .sort((a, b) => a.startedAt - b.startedAt);
const put = (chat) => localStorage.setItem(`chat:${chat.id}`, JSON.stringify(chat));
Lab.store = {
  rewrites: true,
  read: () => chats().at(-1)?.id ?? null,
  write: (id) => put({ id, startedAt: Math.max(Date.now(), (chats().at(-1)?.startedAt ?? 0) + 1), messages: [] }),
  clear: () => {},
};
Lab.ui.answered = () => put({ ...chats().at(-1), messages: Lab.chat.messages });
