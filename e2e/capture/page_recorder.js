// Runs in every frame before the page's own code. Sees, never changes: storage writes with their stack, trusted clicks,
// and what a marked element's state is. Hands what it saw to the suite through a binding, in the order it happened.
(config) => {
  const push = globalThis[config.binding];
  if (typeof push !== "function" || globalThis[config.name]) return;
  delete globalThis[config.binding];

  const clock = performance;
  const stringify = JSON.stringify;
  const now = () => clock.timeOrigin + clock.now();
  const key = config.key === null ? new RegExp(config.keyPattern ?? "(?!)") : null;
  const wanted = (name) => (key ? key.test(name) : name === config.key);

  let queue = [];
  const flush = () => {
    const batch = queue;
    queue = [];
    push(stringify(batch));
  };
  const note = (record) => {
    if (queue.push(record) === 1) queueMicrotask(flush);
  };

  const stack = () => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 12;
    const text = new Error().stack ?? "";
    Error.stackTraceLimit = limit;
    return text;
  };

  const stores = {};
  const watch = (label) => {
    const area = globalThis[label];
    stores[label] = area;
    const start = {};
    for (let i = 0; i < area.length; i++) {
      const name = area.key(i);
      if (wanted(name)) start[name] = area.getItem(name);
    }
    return start;
  };

  const hook = () => {
    const proto = Storage.prototype;
    const { setItem, removeItem, clear } = proto;
    const target = (area) => originals.get(area) ?? area;
    const labelOf = (area) => (area === stores.localStorage ? "localStorage" : "sessionStorage");
    const saw = (area, op, name, value) => {
      const record = { k: "storage", t: now(), store: labelOf(area), op, key: name };
      if (op === "clear" || wanted(name)) {
        record.value = value;
        record.stack = stack();
      }
      note(record);
    };
    proto.setItem = function (name, value) {
      const area = target(this);
      setItem.call(area, name, value);
      saw(area, "set", String(name), String(value));
    };
    proto.removeItem = function (name) {
      const area = target(this);
      removeItem.call(area, name);
      saw(area, "remove", String(name), null);
    };
    proto.clear = function () {
      const area = target(this);
      clear.call(area);
      saw(area, "clear", null, null);
    };

    // `localStorage.name = value` and `delete localStorage.name` pass no method: a proxy sees those.
    const originals = new WeakMap();
    for (const [label, area] of Object.entries(stores)) {
      const bound = new Map();
      const proxy = new Proxy(area, {
        get: (_, name) => {
          const value = Reflect.get(area, name, area);
          if (typeof value !== "function") return value;
          if (bound.get(name)?.of !== value) {
            const call = (...args) => Reflect.apply(value, area, args);
            bound.set(name, { of: value, call });
          }
          return bound.get(name).call;
        },
        set: (_, name, value) => {
          Reflect.set(area, name, value, area);
          saw(area, "set", String(name), String(value));
          return true;
        },
        deleteProperty: (_, name) => {
          const done = Reflect.deleteProperty(area, name);
          saw(area, "remove", String(name), null);
          return done;
        },
      });
      originals.set(proxy, area);
      Object.defineProperty(globalThis, label, { configurable: true, enumerable: true, get: () => proxy });
    }
    addEventListener("storage", (event) => {
      if (!event.isTrusted) return;
      const store = event.storageArea === stores.localStorage ? "localStorage" : "sessionStorage";
      if (event.key === null) note({ k: "storage", t: now(), store, op: "clear", key: null, value: null, by: "other-tab" });
      else if (wanted(event.key)) {
        const op = event.newValue === null ? "remove" : "set";
        note({ k: "storage", t: now(), store, op, key: event.key, value: event.newValue, by: "other-tab" });
      }
    });
  };

  const sends = () => {
    const urls = config.urls.map((pattern) => new RegExp(pattern));
    const saw = (url) => {
      try {
        const full = new URL(url, location.href).href;
        if (urls.some((pattern) => pattern.test(full))) {
          note({ k: "send", t: now(), url: full, stored: recorder.stored(), stack: stack() });
        }
      } catch {
        return; // not an address: the page's own call says so to the page
      }
    };
    const wrap = (owner, name, urlOf) => {
      const original = owner?.[name];
      if (typeof original !== "function") return;
      owner[name] = {
        [name](...args) {
          saw(urlOf(this, args));
          return Reflect.apply(original, this, args);
        },
      }[name];
    };
    wrap(globalThis, "fetch", (_, [input]) => (input instanceof Request ? input.url : String(input)));
    wrap(Navigator.prototype, "sendBeacon", (_, [url]) => String(url));
    wrap(WebSocket.prototype, "send", (socket) => socket.url);
    const opened = new WeakMap();
    const { open } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (...args) {
      opened.set(this, String(args[1]));
      return Reflect.apply(open, this, args);
    };
    wrap(XMLHttpRequest.prototype, "send", (request) => opened.get(request) ?? "");
  };

  const marks = {};
  const recorder = {
    mark: (name, element) => {
      marks[name] = element;
    },
    /** State of a marked element, and the point at which a click would hit it. */
    probe: (name) => {
      const element = marks[name];
      if (!element?.isConnected) return { ok: false, why: "gone" };
      if (element.disabled || element.getAttribute("aria-disabled") === "true") return { ok: false, why: "disabled" };
      const box = element.getBoundingClientRect();
      const x = box.left + box.width / 2;
      const y = box.top + box.height / 2;
      const root = element.getRootNode();
      const top = root.elementFromPoint(x, y);
      if (!top || !(element.contains(top) || top.contains(element) && top.shadowRoot)) return { ok: false, why: "covered" };
      return { ok: true, x, y, focused: root.activeElement === element };
    },
    /** Several questions in one call: a mark's probe, the store, and how many elements match a CSS selector and what the last one says. */
    look: (mark, selectors, stored) => {
      const found = {};
      for (const [name, css] of Object.entries(selectors)) {
        const all = document.querySelectorAll(css);
        found[name] = { count: all.length, last: all.length ? all[all.length - 1].innerText : null };
      }
      return { probe: mark ? recorder.probe(mark) : null, found, stored: stored ? recorder.stored() : undefined };
    },
    stored: () => {
      const found = {};
      const area = stores[config.store];
      if (!area) return null;
      for (let i = 0; i < area.length; i++) {
        const name = area.key(i);
        if (wanted(name)) found[name] = area.getItem(name);
      }
      return found;
    },
  };
  Object.defineProperty(globalThis, config.name, { value: Object.freeze(recorder) });

  const top = globalThis === globalThis.top;
  let start = null;
  try {
    const local = watch("localStorage");
    const session = watch("sessionStorage");
    start = config.store === "sessionStorage" ? session : local;
    if (config.full) hook();
  } catch {
    start = null; // an opaque origin (about:blank, a sandboxed frame) has no storage: said as null, never as empty
  }
  if (config.full) sends();
  if (top) note({ k: "start", t: now(), url: location.href, stored: start });

  for (const type of ["click", "keydown"]) {
    addEventListener(
      type,
      (event) => {
        if (!event.isTrusted) return;
        const path = event.composedPath();
        const hits = Object.keys(marks).filter((name) => path.includes(marks[name]));
        note({ k: type, t: clock.timeOrigin + event.timeStamp, hits, key: type === "keydown" ? event.key.length > 1 ? event.key : "" : undefined });
      },
      { capture: true, passive: true },
    );
  }
}
