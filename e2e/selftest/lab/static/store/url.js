"use strict";
// The session is in the address: in its path or in its fragment.
const base = `/lab/${Lab.page}`;
const inPath = Lab.page === "url-path";
const current = () =>
  inPath ? location.pathname.match(/\/c\/([^/]+)$/)?.[1] ?? null : location.hash.match(/^#chat=(.+)$/)?.[1] ?? null;
Lab.store = {
  rewrites: true,
  read: current,
  write(id) {
    const address = inPath ? `${base}/c/${id}${location.search}` : `${base}${location.search}#chat=${id}`;
    history[current() ? "pushState" : "replaceState"](null, "", address);
  },
  clear: () => {},
};
addEventListener("popstate", () => {
  Lab.chat.reply?.stop();
  Lab.chat.session = current();
  Lab.chat.messages = [];
  Lab.at("log").replaceChildren();
});
