"use strict";
// The chat that all pages share. A page's own scripts replace Lab.transport, Lab.store or parts of Lab.ui before the page has loaded.

const address = new URLSearchParams(location.search);
const KEY = "lab_session";

// Chromium denies storage to a frame of another site.
function allowed(storage) {
  try {
    return window[storage];
  } catch {
    return null;
  }
}
const storage = allowed("localStorage");

class Failure extends Error {
  constructor(status) {
    super(`status ${status}`);
    this.status = status;
  }
}

const Lab = {
  page: document.body.dataset.page,
  bug: address.get("bug"),
  Failure,
  mint: () => crypto.randomUUID(),

  // Resolves when the reply is complete. `reply` has token(text), provider(name) and a signal that Stop aborts.
  transport: { send: async (message, reply) => {} },

  // May be asynchronous. `rewrites`: there is always a value, so it can be replaced but not removed.
  store: {
    read: () => storage?.getItem(KEY) ?? null,
    write: (id) => storage?.setItem(KEY, id),
    clear: () => storage?.removeItem(KEY),
  },

  ui: { rotates: "on_click" },

  // The backend's address with what the page's own address asks of the backend.
  api(path, fields = {}) {
    const query = new URLSearchParams(fields);
    if (address.has("chunk_ms")) query.set("chunk_ms", address.get("chunk_ms"));
    if (conditions.met()) query.set("fail", conditions.kind);
    return query.size ? `${path}?${query}` : path;
  },
  ws: (path) => Lab.api(`ws://${location.host}${path}`),
  chat: { session: null, messages: [], reply: null },
  newChat,
  send,
};

// ?fail=KIND&fail_after=N: after N chats. Counted in sessionStorage, and only when asked for.
const conditions = {
  kind: address.get("fail"),
  after: Number(address.get("fail_after") ?? (address.get("fail") === "login" ? 1 : 0)),
  kept: allowed("sessionStorage"),
  chats: 1,
  met: () => conditions.kind !== null && conditions.chats > conditions.after,
  next() {
    conditions.chats += 1;
    if (conditions.kind) conditions.kept?.setItem("lab_chats", conditions.chats);
  },
};
conditions.chats = Number(conditions.kept?.getItem("lab_chats") ?? 1);

function build(root) {
  const icon = '<svg width="16" height="16" aria-hidden="true"><path d="M2 14 14 8 2 2v5l8 1-8 1z"/></svg>';
  const box = Lab.ui.editable
    ? '<div id="box" role="textbox" aria-label="Message" aria-multiline="true" contenteditable="true"></div>'
    : '<label for="box">Message</label><textarea id="box" rows="1"></textarea>';
  root.innerHTML = `
    <link rel="stylesheet" href="/static/lab.css">
    <header><h1>Lab: ${Lab.page}</h1><div id="actions"><button id="new" type="button">New chat</button></div></header>
    <div id="log" role="log" aria-label="Conversation"></div>
    <div id="notice"></div>
    <form id="composer">${box}
      <button id="send" type="submit">${Lab.ui.unnamedSend ? icon : "Send"}</button>
      <button id="stop" type="button" hidden>Stop</button></form>`;
  const at = (id) => root.querySelector(`#${id}`);
  Lab.at = at;
  Lab.root = root;
  at("new").addEventListener("click", () => newChat());
  at("stop").addEventListener("click", () => Lab.chat.reply?.stop());
  at("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  at("box").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
}

function submit() {
  const box = Lab.at("box");
  const text = (Lab.ui.editable ? box.textContent : box.value).trim();
  if (!text || Lab.chat.reply) return;
  if (Lab.ui.editable) box.textContent = "";
  else box.value = "";
  if (Lab.bug === "loses" && rotating) return;
  send(text);
}

function show(role, text) {
  const message = document.createElement("div");
  message.dataset.testid = "message";
  message.dataset.role = role;
  message.innerHTML = '<span data-testid="provider" hidden></span><p></p>';
  message.lastChild.textContent = text;
  Lab.at("log").append(message);
  return {
    token: (more) => (message.lastChild.textContent += more),
    provider(name) {
      message.firstChild.textContent = name;
      message.firstChild.hidden = false;
    },
  };
}

async function send(text) {
  const { chat, ui } = Lab;
  if (ui.refuses?.()) return;
  notice();
  const history = [...chat.messages];
  chat.messages.push({ role: "user", content: text });
  show("user", text);
  const reply = openReply();
  try {
    if (chat.session === null) await begin();
    await Lab.transport.send({ session: chat.session, text, history }, reply);
    if (reply.current()) chat.messages.push({ role: "assistant", content: reply.text });
    ui.answered?.();
  } catch (error) {
    if (reply.current()) failed(error instanceof Failure ? error.status : "lost");
    if (!(error instanceof Failure || error instanceof TypeError || error.name === "AbortError")) console.error(error);
  } finally {
    reply.close();
  }
}

// A reply that was stopped or left behind says nothing more.
function openReply() {
  const abort = new AbortController();
  let shown = null;
  const line = () => (shown ??= show("assistant", ""));
  const reply = {
    text: "",
    signal: abort.signal,
    current: () => Lab.chat.reply === reply,
    token(more) {
      if (!reply.current()) return;
      reply.text += more;
      line().token(more);
    },
    provider: (name) => reply.current() && line().provider(name),
    stop() {
      reply.close();
      abort.abort();
    },
    close() {
      if (!reply.current()) return;
      Lab.chat.reply = null;
      Lab.at("stop").hidden = true;
    },
  };
  Lab.chat.reply = reply;
  Lab.at("stop").hidden = false;
  return reply;
}

let rotating = false;
// ?bug=leaves: leaving the page ends the session.
if (Lab.bug === "leaves") addEventListener("pagehide", (event) => event.isTrusted && Lab.store.clear(Lab.chat.session));

async function newChat() {
  const { chat, ui } = Lab;
  if (ui.ignoresNewChat?.()) return;
  if (ui.confirm && !(await ui.confirm())) return;
  chat.reply?.stop();
  await Lab.transport.end?.(chat.session);
  conditions.next();
  chat.messages = [];
  Lab.at("log").replaceChildren();
  notice();
  // ?new_chat_ms=N: New chat takes its time to rotate. ?bug=loses: what is sent meanwhile is dropped.
  rotating = true;
  if (address.has("new_chat_ms")) await new Promise((resolve) => setTimeout(resolve, Number(address.get("new_chat_ms"))));
  await rotate();
  rotating = false;
  ui.started?.();
  if (conditions.kind === "login" && conditions.met()) signIn();
}

async function rotate() {
  const { chat, store, ui } = Lab;
  await store.clear(chat.session);
  // The variable goes on being sent: the store stays empty, or holds an ID that is never sent.
  if (Lab.bug === "stale" && !store.rewrites) return;
  if (Lab.bug === "stale" || Lab.bug === "stale-rewrite") return store.write(Lab.mint());
  chat.session = null;
  if (ui.rotates === "on_click") await begin();
}

async function begin() {
  Lab.chat.session = Lab.mint();
  await Lab.store.write(Lab.chat.session);
}

const SAID = { 429: "Too many requests. Please slow down.", lost: "The connection was lost." };

function failed(status) {
  if (status === 401) return signIn();
  if (status === 403) return captcha();
  notice(SAID[status] ?? "Something went wrong.");
}

function notice(text) {
  const place = Lab.at("notice");
  place.replaceChildren();
  if (text) place.innerHTML = '<p role="alert"></p>';
  if (text) place.firstChild.textContent = text;
}
Lab.notice = notice;

function signIn() {
  const wall = document.createElement("div");
  wall.className = "wall";
  wall.innerHTML = '<div role="dialog" aria-label="Sign in"><h2>Sign in</h2><p>Sign in to go on.</p><button type="button">Sign in</button></div>';
  Lab.root.append(wall);
}

function captcha() {
  Lab.at("notice").innerHTML = '<iframe title="captcha" srcdoc="<p>I am not a robot</p>"></iframe>';
}

document.addEventListener("DOMContentLoaded", async () => {
  build(Lab.ui.root?.() ?? document.getElementById("app"));
  Lab.ui.built?.();
  Lab.chat.session = await Lab.store.read();
  if (Lab.chat.session === null && Lab.ui.rotates === "on_click") await begin();
  if (conditions.kind === "login" && conditions.met()) signIn();
  document.documentElement.dataset.ready = "true";
});
