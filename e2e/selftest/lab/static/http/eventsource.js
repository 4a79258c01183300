"use strict";
Lab.transport.send = async ({ session, text }, reply) => {
  Lab.listen(session);
  const response = await Lab.post("/api/eventsource/send", { session, message: text }, reply.signal);
  await Lab.awaitPieces((await response.json()).id, reply);
};
