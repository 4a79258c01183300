// The records of one request: how it began, what answered, how it ended.
(natives, { after, guarded, newId, tools }, { base64, binary }) => {
  const { getter, method } = natives;
  const { note, now, place } = tools;
  const G = globalThis;
  const record = (e, id, fields) => ({ __proto__: null, k: "wire", e, t: now(), id, ...fields });

  const isAborted = getter(G.AbortSignal?.prototype, "aborted");
  const [nameOf, messageOf] = ["name", "message"].map((name) => getter(G.DOMException?.prototype, name));
  const errorName = (error) => guarded(() => nameOf(error)) ?? guarded(() => error?.name);
  const errorText = (error) => guarded(() => messageOf(error)) ?? guarded(() => `${error?.message ?? error}`, "");

  const timing = G.PerformanceResourceTiming?.prototype;
  const [transferSize, nextHop, encodedSize] = ["transferSize", "nextHopProtocol", "encodedBodySize"].map((name) => getter(timing, name));
  const startOf = getter(G.PerformanceEntry?.prototype, "startTime");
  const entriesOf = method(G.Performance.prototype, "getEntriesByName");
  const workersOf = getter(G.Navigator?.prototype, "serviceWorker");
  const controllerOf = getter(G.ServiceWorkerContainer?.prototype, "controller");
  const { navigator, performance } = G;

  const begin = (kind, verb, url, headers, body, cookie) => {
    const id = newId();
    if (body?.type && !("content-type" in headers)) headers["content-type"] = body.type;
    const begun = record("request", id, { __proto__: null, kind, method: verb, url, headers, ...place(), cookie });
    if (body?.text !== undefined) begun.text = body.text;
    if (body?.bytes !== undefined) begun.bytes = body.bytes;
    begun.pending = body?.later !== undefined;
    begun.lost = body?.lost;
    note(begun);
    if (begun.pending) {
      after(
        body.later,
        (buffer) => note({ __proto__: null, k: "wire", e: "body", id, bytes: binary(buffer) }),
        () => note({ __proto__: null, k: "wire", e: "body", id, lost: "the page's body could not be read" }),
      );
    }
    return id;
  };
  return {
    __proto__: null,
    record,
    begin,
    head: (id, url, status, headers) => note(record("response", id, { __proto__: null, url, status, headers })),
    data: (id, bytes, size, lazy) => note(record("data", id, { __proto__: null, bytes: base64(bytes), size }), lazy),
    finished: (id, served = "", lost = undefined) => note(record("finished", id, { __proto__: null, served, lost })),
    failed: (id, error, cancelled) => note(record("failed", id, { __proto__: null, error: errorText(error), cancelled })),
    /** The page ended it itself: with whatever reason, or by a time limit. */
    isStopped: (signal, error) => guarded(() => isAborted(signal), false) || errorName(error) === "AbortError",
    isAborted: (signal) => guarded(() => isAborted(signal), false),
    // What answered instead of the network, as far as the browser tells the page. That a service worker answered shows in times that
    // are missing; where it had the reply from does not show.
    servedBy: (seen) =>
      guarded(() => {
        const controlled = guarded(() => Boolean(controllerOf(workersOf(navigator))), false);
        if (!controlled && seen.method !== "GET") return "";
        const entries = entriesOf(performance, seen.url, "resource");
        let entry = null;
        for (let i = 0; i < entries.length && !entry; i++) if (startOf(entries[i]) >= seen.since - 1) entry = entries[i];
        if (!entry) return controlled ? "service worker" : "";
        if (transferSize(entry) > 0) return "";
        if (controlled && !nextHop(entry)) return "service worker";
        return encodedSize(entry) > 0 ? "browser cache" : "";
      }, ""),
  };
}
