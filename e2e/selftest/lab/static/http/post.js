"use strict";
// What the pages over HTTP share.

Lab.post = async (path, fields, signal, options = {}) => {
  const response = await fetch(Lab.api(path), {
    method: "POST",
    headers: { "Content-Type": "application/json", ...options.headers },
    body: JSON.stringify(fields),
    signal,
  });
  return Lab.checked(response);
};

Lab.checked = (response) => {
  if (!response.ok) throw new Lab.Failure(response.status);
  return response;
};

Lab.whole = (body, reply) => {
  reply.provider(body.provider);
  reply.token(body.text);
};

// The lines of a body as they come.
Lab.lines = async function* (response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    yield* lines;
  }
};

Lab.piece = (piece, reply) => {
  if (piece.provider) reply.provider(piece.provider);
  if (piece.token) reply.token(piece.token);
};
