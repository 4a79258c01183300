"use strict";
const QUERY = "subscription Chat($sessionId: ID!, $message: String!) { chat(sessionId: $sessionId, message: $message) { provider token } }";
const line = new Line("/ws/graphql", {
  protocol: "graphql-transport-ws",
  greet(socket, text, ready) {
    if (text === null) socket.send(JSON.stringify({ type: "connection_init" }));
    else if (JSON.parse(text).type === "connection_ack") ready();
  },
  take(text) {
    const { id, type, payload } = JSON.parse(text);
    if (type === "next") line.piece(id, payload.data.chat);
    else if (type === "error") line.end(id, payload[0].extensions.status);
    else if (type === "complete") line.end(id);
  },
});
Lab.transport.send = ({ session, text }, reply) =>
  line.ask((number) => {
    const payload = { operationName: "Chat", query: QUERY, variables: { sessionId: session, message: text } };
    return JSON.stringify({ id: String(number), type: "subscribe", payload });
  }, reply);
