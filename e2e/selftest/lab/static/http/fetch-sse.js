"use strict";
Lab.transport.send = async ({ session, text }, reply) => {
  const response = await Lab.post("/api/fetch-sse", { session, message: text }, reply.signal);
  for await (const line of Lab.lines(response)) {
    if (line.startsWith("data: ")) Lab.piece(JSON.parse(line.slice(6)), reply);
  }
};
