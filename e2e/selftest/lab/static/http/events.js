"use strict";
// Replies over an EventSource per session. A piece may come before the answer that tells its message's ID.

const events = { session: null, source: null, early: new Map(), waiting: new Map() };

// A page in the back/forward cache would go on taking what is meant for the next one.
addEventListener("pagehide", () => {
  events.source?.close();
  events.session = null;
});

Lab.listen = (session) => {
  if (events.session === session && events.source?.readyState !== EventSource.CLOSED) return;
  events.source?.close();
  events.session = session;
  events.source = new EventSource(Lab.api(`/api/${Lab.page}/events`, { session }));
  events.source.onmessage = ({ data }) => {
    const piece = JSON.parse(data);
    const waiting = events.waiting.get(piece.id);
    if (waiting) waiting(piece);
    else events.early.set(piece.id, [...(events.early.get(piece.id) ?? []), piece]);
  };
  events.source.onerror = () => {
    for (const waiting of events.waiting.values()) waiting({ error: "lost" });
  };
};

Lab.awaitPieces = (id, reply) =>
  new Promise((resolve, reject) => {
    const end = () => {
      events.waiting.delete(id);
      resolve();
    };
    const take = (piece) => {
      if (piece.error) events.waiting.delete(id) && reject(new Lab.Failure(piece.error));
      else if (piece.done) end();
      else Lab.piece(piece, reply);
    };
    events.waiting.set(id, take);
    (events.early.get(id) ?? []).forEach(take);
    events.early.delete(id);
    reply.signal.addEventListener("abort", end);
  });
