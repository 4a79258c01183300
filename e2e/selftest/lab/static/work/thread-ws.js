"use strict";
// Inside of a worker: one WebSocket, as on the ws-text page.
let socket = null;
const unsent = [];
const open = new Set();
function connect(url) {
  socket?.close();
  const fresh = new WebSocket(url);
  socket = fresh;
  socket.onopen = () => unsent.splice(0).forEach((frame) => socket.send(frame));
  socket.onmessage = ({ data }) => {
    const { id: number, type, provider, token, status } = JSON.parse(data);
    if (type === "done" || type === "error") open.delete(number);
    postMessage({ number, provider, token, status, done: type === "done" });
  };
  socket.onclose = () => {
    if (socket !== fresh) return;
    for (const number of open) postMessage({ number, status: "lost" });
    open.clear();
    socket = null;
  };
}
onmessage = ({ data: { number, url, body } }) => {
  if (socket?.url !== new URL(url, location.href).href) connect(url);
  open.add(number);
  const frame = JSON.stringify({ type: "chat", id: number, ...body });
  if (socket.readyState === WebSocket.OPEN) socket.send(frame);
  else unsent.push(frame);
};
