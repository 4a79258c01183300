"use strict";
// Also the binary page: the same JSON as UTF-8.
const binary = Lab.page === "ws-binary";
const encode = (data) => (binary ? new TextEncoder().encode(JSON.stringify(data)) : JSON.stringify(data));
const line = new Line(binary ? "/ws/binary" : "/ws/text", {
  take(text) {
    const frame = JSON.parse(text);
    if (frame.type === "done" || frame.type === "error") line.end(frame.id, frame.status);
    else line.piece(frame.id, frame);
  },
});
Lab.transport.send = ({ session, text }, reply) => line.ask((id) => encode({ type: "chat", id, session, message: text }), reply);
