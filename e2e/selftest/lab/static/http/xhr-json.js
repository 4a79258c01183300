"use strict";
Lab.transport.send = ({ session, text }, reply) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", Lab.api("/api/xhr-json"));
    request.setRequestHeader("Content-Type", "application/json");
    request.responseType = "json";
    request.onload = () => {
      if (request.status !== 200) return reject(new Lab.Failure(request.status));
      Lab.whole(request.response, reply);
      resolve();
    };
    request.onerror = () => reject(new Lab.Failure("lost"));
    request.onabort = resolve;
    reply.signal.addEventListener("abort", () => request.abort());
    request.send(JSON.stringify({ session, message: text }));
  });
