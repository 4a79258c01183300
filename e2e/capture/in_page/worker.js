// Runs in a worker before its own script. Hands what `wire.js` sees there to the page, by a port that the page sends first.
(wire, disguise, config) => {
  const G = globalThis;
  const disguised = disguise();
  const { stand } = disguised;
  const clock = performance;
  const now = () => clock.timeOrigin + clock.now();
  let port = null;
  let queue = [];
  let flushing = false;
  const flush = () => {
    flushing = false;
    if (!port || !queue.length) return;
    port.postMessage(queue);
    queue = [];
  };
  const note = (record) => {
    queue.push(record);
    if (flushing) return;
    flushing = true;
    queueMicrotask(flush);
  };
  G.addEventListener(
    "message",
    (event) => {
      if (event.data?.secret !== config.secret) return;
      event.stopImmediatePropagation();
      port = event.data.port;
      flush();
    },
    { capture: true },
  );

  // A script that was started by an address of ours still lives at its own: relative addresses begin there.
  if (config.url) {
    const own = new URL(config.url);
    const place = Object.create(WorkerLocation.prototype);
    for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
      Object.defineProperty(place, name, { value: own[name], enumerable: true });
    }
    Object.defineProperty(place, "toString", { value: () => own.href });
    Object.defineProperty(G, "location", { value: place, configurable: true, enumerable: true });
    const at = (url) => {
      try {
        return new URL(String(url), own).href;
      } catch {
        return url; // the browser says what is wrong with it
      }
    };
    const based = (on, name, trap, nth = 0) => {
      const original = on?.[name];
      if (typeof original !== "function") return;
      let owner = on;
      while (!Object.hasOwn(owner, name)) owner = Object.getPrototypeOf(owner); // a worker has its functions from a prototype
      const isRequest = (given) => Boolean(G.Request) && given instanceof Request;
      const fixed = (args) => args.map((given, n) => (n === nth && !isRequest(given) ? at(given) : given));
      const handler = {
        construct: (target, args, self) => Reflect.construct(target, fixed(args), self),
        apply: (target, self, args) => Reflect.apply(target, self, fixed(args)),
      };
      const proxy = stand(original, { [trap]: handler[trap] });
      Object.defineProperty(owner, name, { ...Object.getOwnPropertyDescriptor(owner, name), value: proxy });
      if (trap === "construct") original.prototype.constructor = proxy;
    };
    based(G, "fetch", "apply");
    based(G.XMLHttpRequest?.prototype, "open", "apply", 1);
    for (const name of ["Request", "EventSource", "WebSocket", "Worker"]) based(G, name, "construct");
    const load = G.importScripts;
    if (load) G.importScripts = stand(load, { apply: (target, self, args) => Reflect.apply(target, self, args.map(at)) });
  }
  wire({
    note,
    flush,
    now,
    send: () => {},
    watched: (url) => config.full && config.replies.some((part) => url.includes(part)),
    cookies: () => null,
    place: () => ({}),
    events: config.events,
    disguise: disguised,
  });
}
