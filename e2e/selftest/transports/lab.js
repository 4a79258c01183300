// What all pages of the lab have in common: a message box, New chat, a list of messages. `send` comes from the page's own script.
const params = new URLSearchParams(location.search);
const stale = params.get("bug") === "stale";
const KEY = "lab_session";
const make = () => `lab_${Date.now()}_${Math.random().toString(36).slice(2, 11)}`;

const kinds = {
  local: { get: () => localStorage.getItem(KEY), set: (v) => localStorage.setItem(KEY, v), drop: () => localStorage.removeItem(KEY) },
  cookie: {
    get: () => document.cookie.split("; ").find((c) => c.startsWith(`${KEY}=`))?.slice(KEY.length + 1) ?? null,
    set: (v) => (document.cookie = `${KEY}=${v}; path=/; samesite=lax`),
    drop: () => (document.cookie = `${KEY}=; path=/; max-age=0`),
  },
  address: {
    get: () => location.pathname.match(/\/c\/(.+)$/)?.[1] ?? null,
    set: (v) => history.pushState(null, "", `${location.pathname.replace(/\/c\/.+$/, "")}/c/${v}${location.search}`),
    drop: () => history.pushState(null, "", location.pathname.replace(/\/c\/.+$/, "") + location.search),
  },
  perchat: {
    get: () => JSON.parse(localStorage.getItem(`chat:${kinds.perchat.id}`) ?? "null")?.id ?? null,
    set: (v) => { kinds.perchat.id = v; localStorage.setItem(`chat:${v}`, JSON.stringify({ id: v, at: Date.now() })); },
    drop: () => {},
  },
};
const store = kinds[document.body.dataset.store ?? "local"];
const httpOnly = document.body.dataset.store === "httponly";
let memory = null;
const session = () => {
  if (stale && memory) return memory;
  memory = store?.get() ?? memory;
  if (!memory) {
    memory = make();
    store?.set(memory);
  }
  return memory;
};
const shadowed = document.body.dataset.shadow !== undefined;
const host = shadowed ? document.body.appendChild(document.createElement("lab-chat")).attachShadow({ mode: "open" }) : document.body.appendChild(document.createElement("div"));
const box = document.body.dataset.box === "editable" ? '<div role="textbox" contenteditable="true" aria-label="Message" style="border:1px solid;min-height:2em"></div>' : '<textarea aria-label="Message"></textarea>';
host.innerHTML = `<button id="new">New chat</button><div role="log" id="log"></div><form>${box}<button id="send" type="submit"><svg width="16" height="16"><circle cx="8" cy="8" r="6"/></svg></button></form>`;
const $ = (css) => host.querySelector(css);
const log = $("#log");
const add = (who, text) => {
  const item = document.createElement("div");
  item.dataset.testid = "message";
  item.className = who;
  item.innerHTML = '<b data-testid="who"></b><p></p>';
  item.querySelector("p").textContent = text;
  if (who === "you") item.querySelector("b").remove();
  log.append(item);
  return { text: (more) => (item.querySelector("p").textContent += more), who: (name) => (item.querySelector("b").dataset.testid = "provider", item.querySelector("b").textContent = name) };
};
const submit = async () => {
  const field = $("[aria-label=Message]");
  const text = (field.value ?? field.innerText).trim();
  if (!text) return;
  field.value === undefined ? (field.innerText = "") : (field.value = "");
  add("you", text);
  const reply = add("reply", "");
  await send({ session: httpOnly ? null : session(), text, id: Math.random().toString(36).slice(2, 10) }, reply);
};
$("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("[aria-label=Message]").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); submit(); }
});
$("#new").addEventListener("click", async () => {
  log.replaceChildren();
  if (httpOnly) { await fetch("/lab/new" + location.search, { method: "POST" }); return; }
  store?.drop();
  if (!stale) { memory = null; store ? store.set((memory = make())) : (memory = make()); renewed(memory); }
});
let renewed = () => {};
const said = (reply, piece) => { if (piece.provider) reply.who(piece.provider); if (piece.text) reply.text(piece.text); };
const lines = async (response, each) => {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let pending = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pending += decoder.decode(value, { stream: true });
    const parts = pending.split("\n");
    pending = parts.pop();
    parts.forEach((line) => line && each(line));
  }
};
const post = (url, body, type = "application/json") => fetch(url, { method: "POST", headers: { "Content-Type": type }, body });
const json = (m) => JSON.stringify({ session: m.session, text: m.text, id: m.id });
