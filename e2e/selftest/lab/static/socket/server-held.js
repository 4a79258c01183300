"use strict";
// No ID anywhere: the server has a session for each connection, and New chat opens another one.
const line = new Line("/ws/held", {
  fields: Lab.bug ? { bug: Lab.bug } : {},
  take(text) {
    const frame = JSON.parse(text);
    if (frame.type === "done") line.end(frame.id);
    else line.piece(frame.id, frame);
  },
});
Lab.transport.send = ({ text }, reply) => line.ask((id) => JSON.stringify({ type: "chat", id, message: text }), reply);
Lab.transport.end = () => line.close();
