"use strict";
Lab.transport.send = async ({ session, text }, reply) => {
  const sent = await Lab.post("/api/long-poll/send", { session, message: text }, reply.signal);
  const { id } = await sent.json();
  for (;;) {
    const response = Lab.checked(
      await fetch(Lab.api("/api/long-poll/poll", { session }), { signal: reply.signal }),
    );
    for (const piece of (await response.json()).pieces) {
      if (piece.id !== id) continue;
      if (piece.done) return;
      Lab.piece(piece, reply);
    }
  }
};
