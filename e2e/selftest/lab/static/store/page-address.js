"use strict";
// The session is the page's address, as where each conversation is a page of its own: New chat loads another one.
const own = (id) => `/lab/${Lab.page}/c/${id}${location.search}`;
Lab.store = {
  rewrites: true,
  read: () => location.pathname.match(/\/c\/([^/]+)$/)?.[1] ?? null,
  write: (id) => history.replaceState(null, "", own(id)),
  clear: () => {},
};
Lab.ui.ignoresNewChat = () => {
  location.assign(own(Lab.bug === "stale" ? Lab.chat.session : Lab.mint()));
  return true;
};
