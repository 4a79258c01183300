"use strict";
Lab.transport.send = async ({ session, text }, reply) => {
  const response = await Lab.post("/api/fetch-json", { session, message: text }, reply.signal);
  Lab.whole(await response.json(), reply);
};
