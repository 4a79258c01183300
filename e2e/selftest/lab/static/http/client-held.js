"use strict";
// No ID anywhere: the page keeps the conversation and sends all of it. ?bug=keeps: also that of the chat before; ?bug=trims: only its end.
let conversation = [];
Lab.transport.send = async ({ text, history }, reply) => {
  if (history.length === 0 && Lab.bug !== "keeps") conversation = [];
  conversation.push({ role: "user", content: text });
  const messages = Lab.bug === "trims" ? conversation.slice(-1) : conversation;
  const body = await (await Lab.post("/api/client-held", { messages }, reply.signal)).json();
  conversation.push({ role: "assistant", content: body.text });
  Lab.whole(body, reply);
};
