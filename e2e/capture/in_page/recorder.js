// Runs in every frame before the page's own code. Sees, never changes: writes to the session's store with their stack, what the
// store holds at each send, trusted clicks, and what a marked element's state is. Hands what it saw to the suite through a binding,
// in the order it happened. `wire` is the script of `wire.js`, or null where the browser's protocol shows what leaves and comes.
(config, wire) => {
  const push = globalThis[config.binding];
  if (typeof push !== "function" || globalThis[config.name]) return;
  delete globalThis[config.binding];

  const GATHERING = 25; // milliseconds
  const clock = performance;
  const stringify = JSON.stringify;
  const now = () => clock.timeOrigin + clock.now();
  const key = config.key === null ? new RegExp(config.keyPattern ?? "(?!)") : null;
  const wanted = (name) => (key ? key.test(name) : name === config.key);

  let depth = 0;
  for (let frame = globalThis; frame !== frame.parent; frame = frame.parent) depth += 1;

  let queue = [];
  let flushing = false;
  let timer = null;
  let flushed = 0;
  const later = globalThis.setTimeout.bind(globalThis);
  const flush = () => {
    flushing = false;
    if (!queue.length) return;
    const batch = queue;
    queue = [];
    flushed = clock.now();
    push(stringify(batch));
  };
  // Records that are `lazy` (the chunks of a stream) travel together: a call of the binding costs a round trip in some engines.
  const note = (record, lazy = false) => {
    queue.push(record);
    if (leaving) return keep();
    if (flushing) return;
    const rest = lazy ? GATHERING - (clock.now() - flushed) : 0;
    if (rest <= 0) {
      flushing = true;
      queueMicrotask(flush);
    } else
      timer ??= later(() => {
        timer = null;
        if (!leaving) flush();
      }, rest);
  };

  // What a page does while it is being left reaches nobody: the protocol has turned to the next page already. It is kept for that
  // one, under a name of ours that is taken away before the page's own code runs; or for this page, when it is shown again.
  let leaving = false;
  const { getItem, setItem, removeItem } = globalThis.Storage.prototype;
  const kept = () => `${config.name}.${depth}`;
  const keep = () => {
    try {
      setItem.call(areas.sessionStorage, kept(), stringify(queue));
    } catch {
      return; // no storage, or no room in it
    }
  };
  const takeKept = () => {
    try {
      const text = getItem.call(areas.sessionStorage, kept());
      removeItem.call(areas.sessionStorage, kept());
      return text ? JSON.parse(text) : [];
    } catch {
      return [];
    }
  };

  const stack = () => {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 12;
    const text = new Error().stack ?? "";
    Error.stackTraceLimit = limit;
    return text;
  };

  // Where several keys fit (one per chat), the one that was written last stands first.
  const written = [];
  const touched = (name) => {
    const at = written.indexOf(name);
    if (at >= 0) written.splice(at, 1);
    written.unshift(name);
  };
  const latestFirst = (found) => {
    const names = Object.keys(found).sort((a, b) => (written.indexOf(a) + 1 || 1e9) - (written.indexOf(b) + 1 || 1e9));
    return Object.fromEntries(names.map((name) => [name, found[name]]));
  };
  /** A write to the store; one to a key of the session comes with its value and stack. */
  const saw = (store, op, name, value) => {
    const record = { k: "storage", t: now(), store, op, key: name };
    if (store === config.store && (op === "clear" || wanted(name))) {
      if (op === "set") touched(name);
      record.value = value;
      record.stack = stack();
    }
    note(record);
  };

  // -- localStorage, sessionStorage ------------------------------------------------------------------------------------

  const areas = {};
  const readArea = (area) => {
    const found = {};
    for (let i = 0; i < area.length; i++) {
      const name = area.key(i);
      if (wanted(name)) found[name] = area.getItem(name);
    }
    return found;
  };

  const hookAreas = () => {
    const proto = Storage.prototype;
    const { setItem, removeItem, clear } = proto;
    const originals = new WeakMap();
    const target = (area) => originals.get(area) ?? area;
    const labelOf = (area) => (area === areas.localStorage ? "localStorage" : "sessionStorage");
    proto.setItem = function (name, value) {
      const area = target(this);
      setItem.call(area, name, value);
      saw(labelOf(area), "set", String(name), String(value));
    };
    proto.removeItem = function (name) {
      const area = target(this);
      removeItem.call(area, name);
      saw(labelOf(area), "remove", String(name), null);
    };
    proto.clear = function () {
      const area = target(this);
      clear.call(area);
      saw(labelOf(area), "clear", null, null);
    };

    // `localStorage.name = value` and `delete localStorage.name` pass no method: a proxy sees those.
    for (const [label, area] of Object.entries(areas)) {
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
          saw(label, "set", String(name), String(value));
          return true;
        },
        deleteProperty: (_, name) => {
          const done = Reflect.deleteProperty(area, name);
          saw(label, "remove", String(name), null);
          return done;
        },
      });
      originals.set(proxy, area);
      Object.defineProperty(globalThis, label, { configurable: true, enumerable: true, get: () => proxy });
    }
    addEventListener("storage", (event) => {
      if (!event.isTrusted) return;
      const store = event.storageArea === areas.localStorage ? "localStorage" : "sessionStorage";
      if (event.key === null) note({ k: "storage", t: now(), store, op: "clear", key: null, value: null, by: "other-tab" });
      else if (wanted(event.key)) {
        const op = event.newValue === null ? "remove" : "set";
        note({ k: "storage", t: now(), store, op, key: event.key, value: event.newValue, by: "other-tab" });
      }
    });
  };

  // -- cookies ---------------------------------------------------------------------------------------------------------

  const cookie = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  const readCookies = () => {
    const found = {};
    for (const pair of cookie.get.call(document).split("; ")) {
      const at = pair.indexOf("=");
      if (at > 0 && wanted(pair.slice(0, at))) found[pair.slice(0, at)] = pair.slice(at + 1);
    }
    return found;
  };
  const hookCookies = () => {
    const compare = (before) => {
      const after = readCookies();
      for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (name in after && before[name] !== after[name]) saw("cookie", "set", name, after[name]);
        else if (name in before && !(name in after)) saw("cookie", "remove", name, null);
      }
    };
    Object.defineProperty(Document.prototype, "cookie", {
      ...cookie,
      set(text) {
        const before = readCookies();
        cookie.set.call(this, text);
        const name = String(text).split("=")[0].trim();
        const same = name in before && readCookies()[name] === before[name];
        if (wanted(name) && same) saw("cookie", "set", name, before[name]);
        else compare(before);
      },
    });
    const store = globalThis.cookieStore?.constructor.prototype;
    for (const verb of ["set", "delete"]) {
      const original = store?.[verb];
      if (typeof original !== "function") continue;
      store[verb] = {
        [verb](...args) {
          const before = readCookies();
          return Reflect.apply(original, this, args).then((done) => {
            compare(before);
            return done;
          });
        },
      }[verb];
    }
  };

  // -- the page's address ----------------------------------------------------------------------------------------------

  const readAddress = () => ({ address: location.href });
  const hookAddress = () => {
    const moved = () => saw("url", "set", "address", location.href);
    for (const verb of ["pushState", "replaceState"]) {
      const original = History.prototype[verb];
      History.prototype[verb] = {
        [verb](...args) {
          Reflect.apply(original, this, args);
          moved();
        },
      }[verb];
    }
    addEventListener("popstate", moved, { capture: true });
    addEventListener("hashchange", moved, { capture: true });
  };

  // -- IndexedDB -------------------------------------------------------------------------------------------------------

  const records = {};
  const readRecords = () => ({ ...records });
  const asText = (value) => (typeof value === "string" ? value : stringify(value) ?? null);
  const isOurs = (store) => store.name === config.objectStore && store.transaction.db.name === config.database;
  const hookRecords = () => {
    const proto = IDBObjectStore.prototype;
    const put = (store, name, value) => {
      records[name] = asText(value);
      saw("indexedDB", "set", name, records[name]);
    };
    for (const verb of ["put", "add"]) {
      const original = proto[verb];
      proto[verb] = {
        [verb](...args) {
          const request = Reflect.apply(original, this, args);
          if (isOurs(this)) {
            const [value, given] = args;
            const path = this.keyPath;
            const at = given ?? (typeof path === "string" ? path.split(".").reduce((v, part) => v?.[part], value) : undefined);
            if (at !== undefined) {
              if (wanted(String(at))) put(this, String(at), value);
            } else request.addEventListener("success", () => wanted(String(request.result)) && put(this, String(request.result), value));
          }
          return request;
        },
      }[verb];
    }
    for (const verb of ["delete", "clear"]) {
      const original = proto[verb];
      proto[verb] = {
        [verb](...args) {
          const request = Reflect.apply(original, this, args);
          if (isOurs(this)) {
            for (const name of Object.keys(records)) {
              if (verb === "clear" || String(args[0]) === name) {
                delete records[name];
                saw("indexedDB", "remove", name, null);
              }
            }
          }
          return request;
        },
      }[verb];
    }
  };
  /** What the database holds before the page's own code has written to it; it is never created by looking. */
  const loadRecords = async () => {
    const there = (await indexedDB.databases()).some((database) => database.name === config.database);
    if (!there) return;
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(config.database);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    database.onversionchange = () => database.close();
    try {
      if (!database.objectStoreNames.contains(config.objectStore)) return;
      await new Promise((resolve) => {
        const cursor = database.transaction(config.objectStore).objectStore(config.objectStore).openCursor();
        cursor.onerror = resolve;
        cursor.onsuccess = () => {
          const at = cursor.result;
          if (!at) return resolve();
          if (wanted(String(at.key)) && !(String(at.key) in records)) records[String(at.key)] = asText(at.value);
          at.continue();
        };
      });
    } finally {
      database.close();
    }
  };

  // -- sends -----------------------------------------------------------------------------------------------------------

  const urls = config.urls.map((pattern) => new RegExp(pattern));
  const replies = (config.replies ?? []).map((pattern) => new RegExp(pattern));
  const leaves = (url, size, live) => {
    try {
      const full = new URL(url, location.href).href;
      if (urls.some((pattern) => pattern.test(full))) {
        note({ k: "send", t: now(), url: full, page: location.href, size, stored: recorder.stored(), stack: stack() });
        if (live) flush(); // a frame is told at once: what was known of it must be there before
      }
    } catch {
      return; // not an address: the page's own call says so to the page
    }
  };
  const sends = () => {
    const sizeOf = (data) => (typeof data === "string" ? data.length : data?.byteLength ?? data?.size ?? 0);
    const wrap = (owner, name, told, live = false) => {
      const original = owner?.[name];
      if (typeof original !== "function") return;
      owner[name] = {
        [name](...args) {
          leaves(...told(this, args), live);
          return Reflect.apply(original, this, args);
        },
      }[name];
    };
    wrap(globalThis, "fetch", (_, [input, init]) => [input instanceof Request ? input.url : String(input), sizeOf(init?.body)]);
    wrap(Navigator.prototype, "sendBeacon", (_, [url, data]) => [String(url), sizeOf(data)]);
    wrap(WebSocket.prototype, "send", (socket, [data]) => [socket.url, sizeOf(data)], true);
    const opened = new WeakMap();
    const { open } = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (...args) {
      opened.set(this, String(args[1]));
      return Reflect.apply(open, this, args);
    };
    wrap(XMLHttpRequest.prototype, "send", (request, [data]) => [opened.get(request) ?? "", sizeOf(data)]);
  };

  /** Whether the suite wants the body of what this address replies. */
  const watched = (url) => config.full && replies.some((pattern) => pattern.test(url));
  /** The cookies that go with a request, as far as a page may see them; null where it is not known. */
  const sentCookies = (url, credentials) => {
    const there = new URL(url.replace(/^ws/, "http"), location.href);
    if (credentials === "omit" || (credentials === "same-origin" && there.origin !== location.origin)) return "";
    return there.hostname === location.hostname && cookie ? cookie.get.call(document) : null;
  };

  // -- what the suite asks ---------------------------------------------------------------------------------------------

  const readers = {
    localStorage: () => readArea(areas.localStorage),
    sessionStorage: () => readArea(areas.sessionStorage),
    cookie: readCookies,
    url: readAddress,
    indexedDB: readRecords,
  };
  const marks = {};
  const recorder = {
    mark: (name, element) => {
      marks[name] = element;
    },
    /** State of a marked element, and the point in this frame at which a click would hit it. */
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
    /** Values under the session's key, the latest first; null where the store cannot be read. */
    stored: () => {
      try {
        if (!readable) return null;
        const found = readers[config.store]();
        const names = Object.keys(found);
        // After a load nobody can tell which of several chats' keys is the current one, until one is written.
        if (names.length > 1 && !names.some((name) => written.includes(name))) return null;
        return latestFirst(found);
      } catch {
        return null;
      }
    },
  };
  Object.defineProperty(globalThis, config.name, { value: Object.freeze(recorder) });

  const isChat = depth === config.depth && location.protocol !== "about:"; // an empty page is none of the target's
  let readable = config.store in readers;
  try {
    areas.localStorage = globalThis.localStorage;
    areas.sessionStorage = globalThis.sessionStorage;
    if (config.full) hookAreas();
  } catch {
    // an opaque origin (about:blank, a sandboxed frame) has no storage: said as null, never as empty
    readable = readable && config.store === "url";
  }
  if (config.full) {
    if (config.store === "cookie" && readable) hookCookies();
    if (config.store === "url" && isChat) hookAddress();
    if (config.store === "indexedDB" && readable) hookRecords();
    if (!wire) sends();
  }
  if (wire) wire({ note, send: config.full ? leaves : () => {}, flush, now, watched, cookies: sentCookies, events: [] });
  queue.unshift(...takeKept());
  const started = now();
  const start = () => isChat && note({ k: "start", t: started, url: location.href, stored: recorder.stored() });
  if (config.store === "indexedDB" && readable) loadRecords().then(start, start);
  else start();

  addEventListener("pagehide", () => (leaving = true), { capture: true });
  addEventListener(
    "pageshow",
    () => {
      if (leaving) takeKept();
      leaving = false;
      flush();
    },
    { capture: true },
  );
  addEventListener("pageshow", (event) => event.persisted && isChat && note({ k: "restored", t: now() }));

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
