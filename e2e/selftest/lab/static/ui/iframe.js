"use strict";
// A page around the fetch-json chat: of this origin, of another site (this machine's other name), of another port.
const frame = document.createElement("iframe");
const { page, otherPort } = document.body.dataset;
const otherName = location.hostname === "localhost" ? "127.0.0.1" : "localhost";
const hosts = { "iframe-cross": `${otherName}:${location.port}`, "iframe-port": `${location.hostname}:${otherPort}` };
const host = hosts[page] ?? location.host;
frame.id = "chat-frame";
frame.title = "Chat";
frame.src = `//${host}/lab/fetch-json${location.search}`;
document.getElementById("app").append(frame);
