// What all parts of the wire use, and what the recorder handed over.
(natives, tools) => {
  const { bare, defineProperty, deleteProperty, descriptor, getPrototypeOf, getter, hasOwn, method, slice } = natives;
  const { stand } = tools.disguise;
  const G = globalThis;

  const guarded = (look, otherwise) => {
    try {
      return look();
    } catch {
      return otherwise; // what cannot be seen must not reach the page as an error
    }
  };

  const then = method(natives.Promise.prototype, "then");
  const nothing = () => {};
  /** Calls one of two functions when a promise of the browser's is settled, whatever a page has made of `Promise`. */
  const after = (promise, done, failed = nothing) => {
    const own = descriptor(promise, "constructor");
    // `then` asks the promise for its constructor, and finds the page's; without one it takes the browser's own.
    const plain = own === undefined && guarded(() => defineProperty(promise, "constructor", { __proto__: null, value: undefined, configurable: true }), false);
    try {
      then(promise, done, failed);
    } finally {
      if (plain) deleteProperty(promise, "constructor");
    }
  };

  const kinds = bare();
  for (const name of ["WeakMap", "Map"]) {
    const { prototype } = natives[name];
    kinds[name] = ["get", "set", "has", "delete"].map((verb) => method(prototype, verb));
  }
  const tables = (name) => {
    const [get, set, has, drop] = kinds[name];
    return () => {
      const own = new natives[name]();
      return {
        __proto__: null,
        get: (key) => get(own, key),
        set: (key, value) => void set(own, key, value),
        has: (key) => has(own, key),
        delete: (key) => drop(own, key),
      };
    };
  };

  const wrap = (on, name, traps) => {
    let owner = on;
    while (owner && !hasOwn(owner, name)) owner = getPrototypeOf(owner); // a worker has its functions from a prototype
    const field = owner && descriptor(owner, name);
    if (typeof field?.value !== "function") return;
    const value = stand(field.value, traps);
    defineProperty(owner, name, { __proto__: null, ...field, value });
    if (traps.construct) {
      const own = descriptor(field.value.prototype, "constructor");
      if (own?.configurable) defineProperty(field.value.prototype, "constructor", { __proto__: null, ...own, value });
    }
  };

  const { Headers, Performance, performance, Request, URL } = G;
  const clock = method(Performance.prototype, "now");
  const hrefOf = getter(URL.prototype, "href");
  const eachHeader = method(Headers.prototype, "forEach");
  const addHeader = method(Headers.prototype, "append");
  const listed = (headers) => {
    const found = bare();
    let whole = null;
    if (natives.isArray(headers)) {
      whole = new Headers(); // the browser asks the array's iterator, which a page may have replaced
      for (let i = 0; i < headers.length; i++) addHeader(whole, headers[i][0], headers[i][1]);
    } else whole = new Headers(headers);
    eachHeader(whole, (value, name) => (found[name] = value));
    return found;
  };
  const baseOf = G.document ? getter(G.Node.prototype, "baseURI") : null;
  const { document } = G;
  const address = G.location.href; // a worker stays where it is

  const prefix = slice(`${Math.random()}`, 2, 10);
  let count = 0;
  return {
    __proto__: null,
    tools,
    guarded,
    after,
    wrap,
    /** A WeakMap and a Map that a page cannot reach. */
    weakTable: tables("WeakMap"),
    table: tables("Map"),
    newId: () => `${prefix}.${++count}`,
    ticks: () => clock(performance),
    /** Headers as the browser sends them, by their names in lower case. */
    listed,
    absolute: (url) => hrefOf(new URL(`${url}`, baseOf ? baseOf(document) : address)),
    isRequest: natives.brand(getter(Request.prototype, "url")),
    hasNoBody: (verb) => verb === "GET" || verb === "HEAD",
    /** The arguments of a call, one of which becomes a text here, once: its `toString` may be the page's, and count its calls. */
    asText: (args, at) => {
      if (args.length > at && typeof args[at] !== "string") args[at] = `${args[at]}`;
    },
  };
}
