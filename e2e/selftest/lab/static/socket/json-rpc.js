"use strict";
const line = new Line("/ws/json-rpc", {
  take(text) {
    const { id, params, result, error } = JSON.parse(text);
    if (params) return line.piece(params.request, params);
    if (result) line.piece(id, { provider: result.provider });
    line.end(id, error?.data.status);
  },
});
Lab.transport.send = ({ session, text }, reply) =>
  line.ask((id) => JSON.stringify({ jsonrpc: "2.0", id, method: "chat.send", params: { session, message: text } }), reply);
