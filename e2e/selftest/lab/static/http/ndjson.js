"use strict";
Lab.transport.send = async ({ session, text }, reply) => {
  const response = await Lab.post("/api/ndjson", { session, message: text }, reply.signal);
  for await (const line of Lab.lines(response)) Lab.piece(JSON.parse(line), reply);
};
