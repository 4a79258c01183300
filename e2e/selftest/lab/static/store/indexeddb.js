"use strict";
const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
const opened = indexedDB.open("lab", 1);
opened.onupgradeneeded = () => opened.result.createObjectStore("kv");
const database = settled(opened);
const kv = async (mode) => (await database).transaction("kv", mode).objectStore("kv");
Lab.store = {
  read: async () => (await settled((await kv("readonly")).get("session")))?.sessionId ?? null,
  write: async (id) => settled((await kv("readwrite")).put({ sessionId: id }, "session")),
  clear: async () => settled((await kv("readwrite")).delete("session")),
};
