"use strict";
const END = "\x1e";
const line = new Line("/ws/signalr", {
  greet(socket, text, ready) {
    if (text === null) socket.send(JSON.stringify({ protocol: "json", version: 1 }) + END);
    else ready();
  },
  take(text, socket) {
    for (const record of text.split(END).slice(0, -1).map((part) => JSON.parse(part))) {
      if (record.type === 6) socket.send(JSON.stringify({ type: 6 }) + END);
      else if (record.type === 2) line.piece(record.invocationId, record.item);
      else if (record.type === 3) line.end(record.invocationId, record.error && Number.parseInt(record.error, 10));
    }
  },
});
Lab.transport.send = ({ session, text }, reply) =>
  line.ask((number) => {
    const call = { type: 4, invocationId: String(number), target: "Chat", arguments: [session, text] };
    return JSON.stringify(call) + END;
  }, reply);
