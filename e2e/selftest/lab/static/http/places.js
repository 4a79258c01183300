"use strict";
// One page for each place in a request where a session may travel.

const JSON_TYPE = { "Content-Type": "application/json" };
const PLACES = {
  form: ({ session, text }) => ["/api/form", {}, { body: new URLSearchParams({ session, message: text }) }],
  multipart({ session, text }) {
    const body = new FormData();
    body.append("session", session);
    body.append("message", text);
    body.append("file", new Blob(["a few bytes\n"], { type: "text/plain" }), "note.txt");
    return ["/api/multipart", {}, { body }];
  },
  query: ({ session, text }) => ["/api/query", { session }, { headers: JSON_TYPE, body: JSON.stringify({ message: text }) }],
  path: ({ session, text }) => [
    `/api/chat/${session}/messages`, {}, { headers: JSON_TYPE, body: JSON.stringify({ message: text }) },
  ],
  header: ({ session, text }) => [
    "/api/header", {}, { headers: { ...JSON_TYPE, "X-Session-Id": session }, body: JSON.stringify({ message: text }) },
  ],
  cookie({ session, text }) {
    Lab.store.write(session); // the cookie is kept alive with every message
    return ["/api/cookie", {}, { headers: JSON_TYPE, body: JSON.stringify({ message: text }) }];
  },
  "cookie-httponly": ({ text }) => [
    "/api/cookie-httponly/chat", {}, { headers: JSON_TYPE, body: JSON.stringify({ message: text }) },
  ],
  nested: ({ session, text }) => [
    "/api/nested", {}, { headers: JSON_TYPE, body: JSON.stringify({ data: JSON.stringify({ session, message: text }) }) },
  ],
};

Lab.transport.send = async (message, reply) => {
  const [path, query, request] = PLACES[Lab.page](message);
  const response = Lab.checked(
    await fetch(Lab.api(path, query), { method: "POST", signal: reply.signal, ...request }),
  );
  let body = await response.json();
  if (Lab.page === "nested") body = JSON.parse(body.data);
  Lab.whole({ provider: response.headers.get("X-Provider"), ...body }, reply);
};
