"use strict";
const cached = new URLSearchParams(location.search).get("sw") === "cache";
const controlled = new Promise((resolve) => {
  const { serviceWorker } = navigator;
  serviceWorker.addEventListener("controllerchange", resolve, { once: true });
  serviceWorker.register("/lab/service-worker.js", { scope: "/lab/service-worker" });
  if (serviceWorker.controller) resolve();
});
Lab.transport.send = async ({ session, text }, reply) => {
  await controlled;
  const response = await Lab.post("/lab/sw/chat", { session, message: text }, reply.signal);
  const body = await response.json();
  if (cached) body.provider = (await (await fetch(`/lab/sw/provider?session=${session}`)).json()).provider;
  Lab.whole(body, reply);
};
