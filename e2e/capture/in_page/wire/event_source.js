// `EventSource`: each event that the page or a rule listens to.
(natives, { asText, guarded, tools, weakTable, wrap }, { begin, failed, finished, head, record }) => {
  const { apply, bare, construct, getter, listen } = natives;
  const { cookies, note, send } = tools;
  const G = globalThis;
  const proto = G.EventSource?.prototype;
  if (!proto) return;
  const [urlOf, stateOf, hasCookies] = ["url", "readyState", "withCredentials"].map((name) => getter(proto, name));
  const dataOf = getter(G.MessageEvent.prototype, "data");
  const sources = weakTable();
  const hear = (source, type) => {
    const seen = sources.get(source);
    if (!seen || seen.types[type] || type === "open" || type === "error") return;
    seen.types[type] = true;
    listen(source, type, (event) =>
      guarded(() => {
        const data = dataOf(event);
        if (typeof data === "string") note(record("event", seen.id, { __proto__: null, name: type, data }), true);
      }),
    );
  };
  const subscribe = (source) => {
    const url = urlOf(source);
    send(url, 0, false);
    const headers = { __proto__: null, accept: "text/event-stream" };
    return begin("EventSource", "GET", url, headers, null, cookies(url, hasCookies(source) ? "include" : "same-origin"));
  };
  wrap(G, "EventSource", {
    construct(native, args, target) {
      const source = construct(native, args, target);
      guarded(() => {
        const seen = { __proto__: null, id: subscribe(source), types: bare(), state: "asked" };
        sources.set(source, seen);
        hear(source, "message");
        for (let i = 0; i < tools.events.length; i++) hear(source, tools.events[i]);
        const on = (type, look) => listen(source, type, () => guarded(look));
        on("open", () => {
          if (seen.state === "over") seen.id = subscribe(source); // the browser has connected again, by a request of its own
          seen.state = "open";
          head(seen.id, urlOf(source), 200, { __proto__: null, "content-type": "text/event-stream" });
        });
        on("error", () => {
          if (seen.state === "over") return;
          const whole = seen.state === "open" && stateOf(source) === 0; // the server has ended it
          seen.state = "over";
          if (whole) finished(seen.id);
          else failed(seen.id, "the EventSource was closed", false);
        });
      });
      return source;
    },
  });
  wrap(G.EventTarget.prototype, "addEventListener", {
    apply(native, self, args) {
      if (sources.has(self)) {
        asText(args, 0);
        guarded(() => hear(self, args[0]));
      }
      return apply(native, self, args);
    },
  });
  wrap(proto, "close", {
    apply(native, self, args) {
      const open = guarded(() => stateOf(self) !== 2, false);
      const result = apply(native, self, args);
      const seen = sources.get(self);
      if (open && seen && seen.state !== "over") guarded(() => failed(seen.id, "", true));
      if (seen) seen.state = "over";
      return result;
    },
  });
}
