"use strict";
importScripts("/static/work/ask.js");
onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => ask(data, (piece) => port.postMessage(piece));
};
