// `fetch`: the request, the reply, and its body as it comes, read from a copy.
(natives, { absolute, after, asText, guarded, hasNoBody, isRequest, listed, ticks, tools, wrap }, bodies, exchanges, branches) => {
  const { apply, bare, getter, method, settled } = natives;
  const { begin, data, failed, finished, head, isAborted, isStopped, servedBy } = exchanges;
  const { cookies, send, watched } = tools;
  const G = globalThis;
  const { Promise } = G;
  const upper = method(String.prototype, "toUpperCase");
  const ofResponse = G.Response.prototype;
  const [streamOf, headersOf, statusOf, typeOf, urlOf] = ["body", "headers", "status", "type", "url"].map((name) => getter(ofResponse, name));
  const copyOf = method(ofResponse, "clone");
  const readerOf = method(G.ReadableStream?.prototype, "getReader");
  const [readNext, cancel] = ["read", "cancel"].map((name) => method(G.ReadableStreamDefaultReader?.prototype, name));
  const ofRequest = G.Request.prototype;
  const given = bare();
  for (const name of ["url", "method", "headers", "bodyUsed", "credentials", "signal"]) given[name] = getter(ofRequest, name);
  const bodyOfRequest = "body" in ofRequest ? getter(ofRequest, "body") : null;
  const [copyOfRequest, bytesOfRequest] = ["clone", "arrayBuffer"].map((name) => method(ofRequest, name));

  const read = (seen, response) => {
    const { id } = seen;
    const copy = streamOf(copyOf(response));
    if (!copy) return finished(id);
    const reader = readerOf(copy);
    let over = false;
    branches.set(streamOf(response), () => {
      if (over) return;
      over = true;
      failed(id, "the page cancelled it", true);
      after(cancel(reader), () => {});
    });
    const next = () =>
      after(
        readNext(reader),
        ({ done, value }) => {
          if (over) return;
          if (done) {
            over = true;
            return finished(id, servedBy(seen));
          }
          data(id, value, bodies.lengthOf(value), true);
          next();
        },
        (error) => {
          if (!over) failed(id, error, isStopped(seen.signal, error));
          over = true;
        },
      );
    next();
  };
  /** The request that this call makes; null where the browser refuses it. */
  const fetching = (args) => {
    if (!args.length) return null;
    const request = isRequest(args[0]) ? args[0] : null;
    if (!request) asText(args, 0);
    args[1] = settled(args[1]);
    const init = args[1];
    const url = request ? given.url(request) : absolute(args[0]);
    const verb = upper(`${init?.method ?? (request ? given.method(request) : "GET")}`);
    const signal = init?.signal === undefined && request ? given.signal(request) : init?.signal;
    const own = init?.body !== undefined && init.body !== null;
    const used = request && given.bodyUsed(request);
    if ((signal && isAborted(signal)) || (own ? hasNoBody(verb) : used)) return null;
    const headers = listed(init?.headers ?? (request ? given.headers(request) : bare()));
    let body = bodies.bodyOf(init?.body);
    // Firefox had no `Request.body` before 2026: a method that may have a body is read through a copy.
    const may = request && !used && (bodyOfRequest ? bodyOfRequest(request) : !hasNoBody(verb));
    if (!body && may) body = { __proto__: null, later: bytesOfRequest(copyOfRequest(request)) };
    send(url, bodies.sizeOf(init?.body), false);
    const credentials = init?.credentials ?? (request ? given.credentials(request) : "same-origin");
    const id = begin("Fetch", verb, url, headers, body, cookies(url, credentials));
    return { __proto__: null, url, method: verb, signal, since: ticks(), id };
  };
  const answered = (seen, response) => {
    const url = urlOf(response) || seen.url;
    const type = typeOf(response);
    if (type === "opaqueredirect") return failed(seen.id, "the page does not follow the redirection", true);
    if (type === "opaque") return finished(seen.id); // its status is 0 for the page: that is none
    head(seen.id, url, statusOf(response), listed(headersOf(response)));
    if (streamOf(response) && watched(seen.url)) read({ __proto__: null, ...seen, url }, response);
    else finished(seen.id);
  };
  wrap(G, "fetch", {
    apply(native, self, args) {
      const seen = guarded(() => fetching(args));
      const promise = apply(native, self, args);
      if (!seen) return promise;
      // A handler on the browser's own promise would hide from the page that nobody handles its rejection.
      return new Promise((resolve, reject) =>
        after(
          promise,
          (response) => {
            guarded(() => answered(seen, response));
            resolve(response);
          },
          (error) => {
            failed(seen.id, error, isStopped(seen.signal, error));
            reject(error);
          },
        ),
      );
    },
  });
}
