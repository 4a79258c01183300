"use strict";
// No IDs: frames belong to the oldest request that is not done, also when nobody wants its reply any more.
const line = new Line("/ws/next", {
  take(text) {
    const frame = JSON.parse(text);
    const oldest = Math.min(...line.waiting.keys());
    if (frame.type === "done" || frame.type === "error") line.end(oldest, frame.status);
    else line.piece(oldest, frame);
  },
});
Lab.transport.send = ({ session, text }, reply) => line.ask(() => JSON.stringify({ type: "chat", session, message: text }), reply);
