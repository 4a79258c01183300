"use strict";
// The session is the page's address, as where each conversation is a page of its own: New chat loads another one.
const own = (id) => `/lab/${Lab.page}/c/${id}${location.search}`;
Lab.store = {
  rewrites: true,
  read: () => location.pathname.match(/\/c\/([^/]+)$/)?.[1] ?? null,
  write: (id) => history.replaceState(null, "", own(id)),
  clear: () => {},
};
// ?launcher: the chat is closed after each load, until its button is clicked.
if (address.has("launcher")) {
  Lab.ui.built = () => {
    const chat = Lab.at("composer");
    chat.hidden = true;
    Lab.at("actions").insertAdjacentHTML("afterbegin", '<button id="open" type="button">Open chat</button>');
    Lab.at("open").addEventListener("click", () => (chat.hidden = false));
  };
}
Lab.ui.ignoresNewChat = () => {
  const next = own(Lab.bug === "stale" ? Lab.chat.session : Lab.mint());
  setTimeout(() => location.assign(next), Number(address.get("after_ms")));
  return true;
};
