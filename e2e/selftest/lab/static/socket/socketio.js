"use strict";
const line = new Line("/socket.io/", {
  fields: { EIO: "4", transport: "websocket" },
  greet(socket, text, ready) {
    if (text?.startsWith("0")) socket.send("40");
    else if (text?.startsWith("40")) ready();
  },
  take(text, socket) {
    if (text === "2") return socket.send("3");
    const [, type, number, body] = text.match(/^(4[23])(\d*)(.*)$/s);
    if (type === "42") {
      const [, fields] = JSON.parse(body);
      line.piece(fields.reply_to, fields);
    } else line.end(number, JSON.parse(body)[0].status);
  },
});
Lab.transport.send = ({ session, text }, reply) =>
  line.ask((number) => `42${number}${JSON.stringify(["message", { session, message: text }])}`, reply);
