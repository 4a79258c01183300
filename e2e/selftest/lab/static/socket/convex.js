"use strict";
// A chat on a function-over-WebSocket platform. Its store is a blob, its session an entry in it.

const STATE = "chat_state";
const LIMIT = Number(new URLSearchParams(location.search).get("limit") ?? 15);
const stored = (key) => JSON.parse(localStorage.getItem(key) ?? "null");
const save = (key, value) => localStorage.setItem(key, JSON.stringify(value));
const blob = () => stored(STATE) ?? { version: 1, ui: { theme: "light", sidebar: true } };
const opening = { type: "Connect", sessionId: crypto.randomUUID(), connectionCount: 0, lastCloseReason: "InitialConnect" };

Lab.store = {
  read: () => blob().session?.id ?? null,
  write: (id) => save(STATE, { ...blob(), session: { id, startedAt: Date.now(), lastUsed: Date.now() } }),
  clear() {
    const { session: _, ...rest } = blob();
    save(STATE, rest);
  },
};

function touch() {
  const state = blob();
  if (state.session) save(STATE, { ...state, session: { ...state.session, lastUsed: Date.now() } });
}

const line = new Line("/ws/convex", {
  greet(socket, _text, ready) {
    socket.send(JSON.stringify(opening));
    opening.connectionCount += 1;
    const add = { type: "Add", queryId: 0, udfPath: "chat:settings", args: [{}] };
    socket.send(JSON.stringify({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [add] }));
    ready();
  },
  take(text, socket) {
    const frame = JSON.parse(text);
    if (frame.type === "Ping") socket.send(JSON.stringify({ type: "Event", eventType: "Pong", event: null }));
    if (frame.type !== "ActionResponse") return;
    if (!frame.success) return line.end(frame.requestId, Number.parseInt(frame.result, 10) || 500);
    if (frame.result.text) line.piece(frame.requestId, { provider: frame.result.provider.name, text: frame.result.text });
    line.end(frame.requestId);
  },
});
const act = (udfPath, args, reply) =>
  line.ask((requestId) => JSON.stringify({ type: "Action", requestId, udfPath, args: [args] }), reply);
const aside = () => ({ signal: new AbortController().signal, provider() {}, token() {} });

Lab.transport = {
  send({ session, text, history }, reply) {
    const { count } = stored("usage") ?? { count: 0 };
    save("usage", { day: new Date().toISOString().slice(0, 10), count: count + 1 });
    touch();
    return act("chat:sendMessage", { sessionId: session, message: text, history }, reply);
  },
  end: (session) => act("sessions:end", { sessionId: session }, aside()),
};

Object.assign(Lab.ui, {
  unnamedSend: true,
  menu: "Conversation menu",
  confirm: () => Lab.dialog("Start a new chat?", "Cancel", "Start"),
  refuses() {
    if ((stored("usage")?.count ?? 0) < LIMIT) return false;
    Lab.notice("Daily limit reached. Try again tomorrow.");
    return true;
  },
  started: () => Lab.toast("New chat started", 400),
  answered: touch,
});

addEventListener("DOMContentLoaded", () => {
  line.ready();
  setInterval(() => act("stats:ping", { page: "chat", visible: !document.hidden }, aside()).catch(() => {}), 1000);
});
