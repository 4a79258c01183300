"use strict";
importScripts("/static/work/ask.js");
onmessage = ({ data }) => ask(data, (piece) => postMessage(piece));
