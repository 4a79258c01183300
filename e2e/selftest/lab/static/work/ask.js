"use strict";
// Inside of a worker: one question by fetch.
async function ask({ number, url, body }, answer) {
  try {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    if (!response.ok) return answer({ number, status: response.status });
    const { provider, text } = await response.json();
    answer({ number, provider, token: text, done: true });
  } catch {
    answer({ number, status: "lost" });
  }
}
