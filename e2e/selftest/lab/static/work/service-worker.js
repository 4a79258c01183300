"use strict";
// Answers /lab/sw/... itself, by asking the backend. ?sw=cache: a look-up that was made before comes from the cache.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.pathname === "/lab/sw/chat") event.respondWith(chat(event.request, url));
  if (url.pathname === "/lab/sw/provider") event.respondWith(lookUp(url));
});

async function chat(request, url) {
  const headers = { "Content-Type": "application/json" };
  return fetch(`/api/fetch-json${url.search}`, { method: "POST", headers, body: await request.text() });
}

async function lookUp(url) {
  const cache = await caches.open("lab");
  const known = await cache.match(url.href);
  if (known) return known;
  const response = await fetch(`/api/provider${url.search}`);
  await cache.put(url.href, response.clone());
  return response;
}
