// Runs in a worker before its own script. Hands what `wire` sees there to the page, by a port that the page sends first.
(natives, wire, disguise, config) => {
  "use strict";
  const { append, apply, bare, construct, defineProperty, descriptor, find, getPrototypeOf, getter, hasOwn, listen, method, now, soon, URL } = natives;
  const G = globalThis;
  const disguised = disguise();
  const { stand } = disguised;
  const dataOf = getter(G.MessageEvent.prototype, "data");
  const stopHere = method(G.Event.prototype, "stopImmediatePropagation");
  const post = method(G.MessagePort.prototype, "postMessage");
  let port = null;
  let queue = [];
  let flushing = false;
  const flush = () => {
    flushing = false;
    if (!port || !queue.length) return;
    post(port, queue);
    queue = [];
  };
  const note = (record) => {
    append(queue, record);
    if (flushing) return;
    flushing = true;
    soon(flush);
  };
  listen(
    G,
    "message",
    (event) => {
      const data = dataOf(event);
      if (data?.secret !== config.secret) return;
      stopHere(event);
      port = data.port;
      flush();
    },
    { __proto__: null, capture: true },
  );

  // A script that was started by an address of ours still lives at its own: relative addresses begin there.
  if (config.url) {
    const own = new URL(config.url);
    const hrefOf = getter(URL.prototype, "href");
    const place = Object.create(WorkerLocation.prototype);
    for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
      defineProperty(place, name, { __proto__: null, value: own[name], enumerable: true });
    }
    defineProperty(place, "toString", { __proto__: null, value: () => config.url });
    defineProperty(G, "location", { __proto__: null, value: place, configurable: true, enumerable: true });
    const at = (url) => {
      try {
        return hrefOf(new URL(`${url}`, own));
      } catch {
        return url; // the browser says what is wrong with it
      }
    };
    const isRequest = natives.brand(getter(G.Request?.prototype, "url"));
    const based = (on, name, trap, nth = 0) => {
      const original = on?.[name];
      if (typeof original !== "function") return;
      let owner = on;
      while (!hasOwn(owner, name)) owner = getPrototypeOf(owner); // a worker has its functions from a prototype
      const fix = (args) => {
        if (args.length > nth && !isRequest(args[nth])) args[nth] = at(args[nth]);
        return args;
      };
      const traps = bare();
      if (trap === "construct") traps.construct = (target, args, self) => construct(target, fix(args), self);
      else traps.apply = (target, self, args) => apply(target, self, fix(args));
      const value = stand(original, traps);
      defineProperty(owner, name, { __proto__: null, ...descriptor(owner, name), value });
      if (trap === "construct") original.prototype.constructor = value;
    };
    based(G, "fetch", "apply");
    based(G.XMLHttpRequest?.prototype, "open", "apply", 1);
    for (const name of ["Request", "EventSource", "WebSocket", "Worker"]) based(G, name, "construct");
    const load = G.importScripts;
    const loading = (target, self, args) => {
      for (let n = 0; n < args.length; n++) args[n] = at(args[n]);
      return apply(target, self, args);
    };
    if (load) G.importScripts = stand(load, { __proto__: null, apply: loading });
  }
  const watched = (url) => {
    if (!config.full) return false;
    for (let n = 0; n < config.replies.length; n++) if (find(url, config.replies[n]) >= 0) return true;
    return false;
  };
  const send = () => {};
  wire(natives, { __proto__: null, note, flush, now, send, watched, cookies: () => null, place: bare, events: config.events, disguise: disguised });
}
