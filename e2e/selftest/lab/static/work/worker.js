"use strict";
// The page's side of a worker that talks to the backend. `worker` is a Worker, or the port of a SharedWorker.
const shared = Lab.page === "shared-worker";
const script = `/static/work/${Lab.page === "worker-ws" ? "thread-ws" : shared ? "thread-shared" : "thread"}.js`;
const worker = shared ? new SharedWorker(script).port : new Worker(script);
const asked = new Map();
worker.onmessage = ({ data: { number, provider, token, done, status } }) => {
  const { reply, resolve, reject } = asked.get(number);
  if (provider) reply.provider(provider);
  if (token) reply.token(token);
  if (status) reject(new Lab.Failure(status));
  if (done) resolve();
};
Lab.transport.send = ({ session, text }, reply) =>
  new Promise((resolve, reject) => {
    const number = asked.size + 1;
    asked.set(number, { reply, resolve, reject });
    reply.signal.addEventListener("abort", resolve);
    const url = Lab.page === "worker-ws" ? Lab.api(`ws://${location.host}/ws/text`) : Lab.api("/api/fetch-json");
    worker.postMessage({ number, url, body: { session, message: text } });
  });
