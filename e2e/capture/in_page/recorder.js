// Runs in every frame before the page's own code. Sees, never changes: writes to the session's store with their stack, what the
// store holds at each send, trusted clicks, and what a marked element's state is. Hands what it saw to the channel, in the order it
// happened. `wire` is the script of the folder `wire`, or null where the browser's protocol shows what leaves and comes. Everything of the
// browser that it uses it takes here, at its start (see natives.js); what it replaces looks as before (see disguise.js).
(natives, channel, disguise, config, wire) => {
  "use strict";
  const { append, apply, bare, defineProperty, descriptor, find, getter, hasOwn, indexOf, json, listen, method, now, ownKeys } = natives;
  const { listenHere, slice, split, stack, String, trim } = natives;
  const { depth, flush, note } = channel;
  const { behind, hide, stand } = disguise;
  // Of a pattern the page knows a part that each match has: the suite itself looks at what has it (`literals.py`).
  const wanted = (name) => (config.keyPart === null ? name === config.key : find(name, config.keyPart) >= 0);
  const capture = { __proto__: null, capture: true };
  /** Replaces a function of the browser. */
  const replace = (owner, name, call) => {
    const own = descriptor(owner, name);
    const value = stand(own.value, { __proto__: null, apply: (_, self, args) => apply(call, self, args) });
    defineProperty(owner, name, { __proto__: null, ...own, value });
  };
  /** Replaces one half of an attribute. */
  const replaceHalf = (owner, name, half, call) => {
    const own = descriptor(owner, name);
    const standing = stand(own[half], { __proto__: null, apply: (_, self, args) => apply(call, self, args) });
    defineProperty(owner, name, { __proto__: null, ...own, [half]: standing });
  };

  // Where several keys fit (one per chat), the one that was written last stands first.
  let written = [];
  const touched = (name) => {
    const names = [name];
    for (let i = 0; i < written.length; i++) if (written[i] !== name) append(names, written[i]);
    written = names;
  };
  /** A write to the store; one to a key of the session comes with its value and stack. */
  const saw = (store, op, name, value) => {
    if (store === null) return;
    try {
      const record = { __proto__: null, k: "storage", t: now(), store, op, key: name };
      if (store === config.store && (op === "clear" || wanted(name))) {
        if (op === "set") touched(name);
        wrote = true;
        record.value = value;
        record.stack = stack();
      }
      note(record);
    } catch {
      return; // the page has written: an error here would be one of its own
    }
  };

  // -- localStorage, sessionStorage ------------------------------------------------------------------------------------

  const areas = bare();
  const storageProto = globalThis.Storage?.prototype;
  const lengthOf = getter(storageProto, "length");
  const nameAt = method(storageProto, "key");
  const getItem = method(storageProto, "getItem");
  // A page may have put a storage of its own in the place of the browser's. Then the browser's is none of the page's: what it holds is
  // not known, unless the page writes there all the same. Wrappers of setItem alone are common, and write to the browser's in the end.
  let wrote = false;
  let atStart = null;
  const ours = bare();
  const isPages = (label) => {
    if (wrote || !config.full) return true;
    const still = (owner, name, half) => descriptor(owner, name)?.[half] === ours[name];
    return still(globalThis, label, "get") && (still(storageProto, "setItem", "value") || still(storageProto, "getItem", "value"));
  };
  const readArea = (label) => {
    const area = areas[label];
    const found = bare();
    const count = lengthOf(area);
    for (let i = 0; i < count; i++) {
      const name = nameAt(area, i);
      if (name !== null && wanted(name)) found[name] = getItem(area, name);
    }
    atStart ??= json(found);
    wrote ||= json(found) !== atStart;
    return isPages(label) ? found : null;
  };

  const hookAreas = () => {
    const proto = Storage.prototype;
    const { setItem, removeItem, clear } = proto;
    const proxies = new WeakMap();
    const proxyOf = method(WeakMap.prototype, "get");
    // The area may be that of another frame: what is written there is read from the store then.
    const labelOf = (area) => (area === areas.localStorage ? "localStorage" : area === areas.sessionStorage ? "sessionStorage" : null);
    // What is no text is made one here, once: its toString may be the page's.
    replace(proto, "setItem", function (...args) {
      const area = behind(this);
      if (args.length < 2) return apply(setItem, area, args);
      const name = `${args[0]}`;
      const value = `${args[1]}`;
      apply(setItem, area, [name, value]);
      saw(labelOf(area), "set", name, value);
    });
    replace(proto, "removeItem", function (...args) {
      const area = behind(this);
      if (args.length < 1) return apply(removeItem, area, args);
      const name = `${args[0]}`;
      apply(removeItem, area, [name]);
      saw(labelOf(area), "remove", name, null);
    });
    replace(proto, "clear", function () {
      const area = behind(this);
      apply(clear, area, []);
      saw(labelOf(area), "clear", null, null);
    });

    // A proxy of an area is none to the browser's own functions.
    for (const [name, read] of [["getItem", getItem], ["key", nameAt]]) {
      const own = proto[name];
      replace(proto, name, function (...args) {
        return args.length ? read(behind(this), args[0]) : apply(own, behind(this), args);
      });
    }
    replaceHalf(proto, "length", "get", function () {
      return lengthOf(behind(this));
    });

    // `localStorage.name = value` and `delete localStorage.name` pass no method: a proxy sees those.
    const { deleteProperty, get, set } = natives;
    for (const label of ["localStorage", "sessionStorage"]) {
      const area = areas[label];
      const proxy = new Proxy(area, {
        __proto__: null,
        get: (_, name) => get(area, name, area),
        set: (_, name, value) => {
          if (typeof name !== "string") return set(area, name, value, area);
          const text = `${value}`;
          const done = set(area, name, text, area);
          saw(label, "set", name, text);
          return done;
        },
        deleteProperty: (_, name) => {
          const done = deleteProperty(area, name);
          if (typeof name === "string") saw(label, "remove", name, null);
          return done;
        },
      });
      hide(proxy, area);
      proxies.set(area, proxy);
      replaceHalf(globalThis, label, "get", () => proxy);
      ours[label] = descriptor(globalThis, label).get;
    }
    for (const name of ["setItem", "getItem"]) ours[name] = descriptor(proto, name).value;
    const { StorageEvent } = globalThis;
    const storageEvent = StorageEvent.prototype;
    const areaOf = getter(storageEvent, "storageArea");
    // A page compares the area of an event with its own localStorage, and makes events with that.
    replaceHalf(storageEvent, "storageArea", "get", function () {
      const area = areaOf(this);
      return area === null ? null : (proxyOf(proxies, area) ?? area);
    });
    const { construct } = natives;
    const made = stand(StorageEvent, {
      __proto__: null,
      construct: (native, args, kind) => {
        const init = args[1];
        const area = init === null || typeof init !== "object" ? undefined : init.storageArea;
        if (area !== null && typeof area === "object" && behind(area) !== area) {
          args[1] = { __proto__: init, storageArea: behind(area) };
        }
        return construct(native, args, kind === made ? native : kind);
      },
    });
    defineProperty(globalThis, "StorageEvent", { __proto__: null, ...descriptor(globalThis, "StorageEvent"), value: made });
    defineProperty(storageEvent, "constructor", { __proto__: null, ...descriptor(storageEvent, "constructor"), value: made });
    const keyOf = getter(storageEvent, "key");
    const newValueOf = getter(storageEvent, "newValue");
    listenHere("storage", (event) => {
      if (!event.isTrusted) return;
      const store = areaOf(event) === areas.localStorage ? "localStorage" : "sessionStorage";
      const name = keyOf(event);
      const value = newValueOf(event);
      if (name === null) note({ k: "storage", t: now(), store, op: "clear", key: null, value: null, by: "other-tab" });
      else if (wanted(name)) {
        const op = value === null ? "remove" : "set";
        note({ k: "storage", t: now(), store, op, key: name, value, by: "other-tab" });
      }
    });
  };

  // -- cookies ---------------------------------------------------------------------------------------------------------

  const cookie = descriptor(Document.prototype, "cookie");
  const readCookies = () => {
    const found = bare();
    const pairs = split(apply(cookie.get, document, []), "; ");
    for (let i = 0; i < pairs.length; i++) {
      const at = find(pairs[i], "=");
      const name = at > 0 ? slice(pairs[i], 0, at) : "";
      if (at > 0 && wanted(name)) found[name] = slice(pairs[i], at + 1);
    }
    return found;
  };
  const hookCookies = () => {
    const compare = (before) => {
      const after = readCookies();
      const names = ownKeys(before);
      for (let i = 0; i < names.length; i++) if (!hasOwn(after, names[i])) saw("cookie", "remove", names[i], null);
      const there = ownKeys(after);
      for (let i = 0; i < there.length; i++) {
        if (before[there[i]] !== after[there[i]]) saw("cookie", "set", there[i], after[there[i]]);
      }
    };
    replaceHalf(Document.prototype, "cookie", "set", function (given) {
      const text = `${given}`;
      const before = readCookies();
      apply(cookie.set, this, [text]);
      const name = trim(split(text, "=")[0]);
      const same = hasOwn(before, name) && readCookies()[name] === before[name];
      if (wanted(name) && same) saw("cookie", "set", name, before[name]);
      else compare(before);
    });
    const store = globalThis.cookieStore?.constructor.prototype;
    const then = method(Promise.prototype, "then");
    for (const verb of ["set", "delete"]) {
      const original = store?.[verb];
      if (typeof original !== "function") continue;
      replace(store, verb, function (...args) {
        const before = readCookies();
        const done = apply(original, this, args);
        try {
          then(done, () => compare(before), () => undefined);
        } catch {
          // the page has made promises of its own kind: the next look at the store shows what it holds
        }
        return done;
      });
    }
  };

  // -- the page's address ----------------------------------------------------------------------------------------------

  const readAddress = () => ({ __proto__: null, address: location.href });
  const hookAddress = () => {
    const moved = () => saw("url", "set", "address", location.href);
    for (const verb of ["pushState", "replaceState"]) {
      const original = History.prototype[verb];
      replace(History.prototype, verb, function (...args) {
        apply(original, this, args);
        moved();
      });
    }
    listenHere("popstate", moved, capture);
    listenHere("hashchange", moved, capture);
  };

  // -- IndexedDB -------------------------------------------------------------------------------------------------------

  const records = bare();
  const readRecords = () => {
    const found = bare();
    const names = ownKeys(records);
    for (let i = 0; i < names.length; i++) found[names[i]] = records[names[i]];
    return found;
  };
  const asText = (value) => {
    if (typeof value === "string") return value;
    try {
      return json(value);
    } catch {
      return null; // it contains itself
    }
  };
  const resultOf = getter(globalThis.IDBRequest?.prototype, "result");
  const hookRecords = () => {
    const proto = IDBObjectStore.prototype;
    const nameOf = getter(proto, "name");
    const transactionOf = getter(proto, "transaction");
    const keyPathOf = getter(proto, "keyPath");
    const databaseOf = getter(IDBTransaction.prototype, "db");
    const databaseNameOf = getter(IDBDatabase.prototype, "name");
    const isOurs = (store) =>
      nameOf(store) === config.objectStore && databaseNameOf(databaseOf(transactionOf(store))) === config.database;
    const put = (at, text) => {
      records[at] = text;
      saw("indexedDB", "set", at, text);
    };
    for (const verb of ["put", "add"]) {
      const original = proto[verb];
      replace(proto, verb, function (...args) {
        const request = apply(original, this, args);
        if (!isOurs(this)) return request;
        const text = asText(args[0]);
        const path = keyPathOf(this);
        let at = args[1];
        if (at === undefined && typeof path === "string") {
          at = args[0];
          const parts = split(path, ".");
          for (let i = 0; i < parts.length; i++) at = at?.[parts[i]];
        }
        if (at !== undefined) {
          if (wanted(String(at))) put(String(at), text);
        } else {
          listen(request, "success", () => {
            const made = String(resultOf(request));
            if (wanted(made)) put(made, text);
          });
        }
        return request;
      });
    }
    for (const verb of ["delete", "clear"]) {
      const original = proto[verb];
      replace(proto, verb, function (...args) {
        const request = apply(original, this, args);
        if (!isOurs(this)) return request;
        const names = ownKeys(records);
        for (let i = 0; i < names.length; i++) {
          if (verb === "clear" || String(args[0]) === names[i]) {
            delete records[names[i]];
            saw("indexedDB", "remove", names[i], null);
          }
        }
        return request;
      });
    }
  };
  /** What the database holds before the page's own code has written to it; it is never created by looking. */
  const loadRecords = async () => {
    const database = method(IDBDatabase.prototype, "transaction");
    const storesOf = getter(IDBDatabase.prototype, "objectStoreNames");
    const close = method(IDBDatabase.prototype, "close");
    const has = method(DOMStringList.prototype, "contains");
    const storeOf = method(IDBTransaction.prototype, "objectStore");
    const openCursor = method(IDBObjectStore.prototype, "openCursor");
    const keyOf = getter(IDBCursor.prototype, "key");
    const valueOf = getter(IDBCursorWithValue.prototype, "value");
    const go = method(IDBCursor.prototype, "continue");
    const open = method(IDBFactory.prototype, "open");
    const factory = indexedDB;
    const known = await factory.databases();
    let there = false;
    for (let i = 0; i < known.length; i++) there ||= known[i].name === config.database;
    if (!there) return;
    const opened = await new natives.Promise((resolve, reject) => {
      const request = open(factory, config.database);
      listen(request, "success", () => resolve(resultOf(request)));
      listen(request, "error", reject);
    });
    listen(opened, "versionchange", () => close(opened));
    try {
      if (!has(storesOf(opened), config.objectStore)) return;
      await new natives.Promise((resolve) => {
        const request = openCursor(storeOf(database(opened, config.objectStore), config.objectStore));
        listen(request, "error", resolve);
        listen(request, "success", () => {
          const at = resultOf(request);
          if (!at) return resolve();
          const name = String(keyOf(at));
          if (wanted(name) && !hasOwn(records, name)) records[name] = asText(valueOf(at));
          go(at);
        });
      });
    } finally {
      close(opened);
    }
  };

  // -- sends -----------------------------------------------------------------------------------------------------------

  const { urls, replies } = config; // parts of addresses, as of keys
  const hrefOf = getter(URL.prototype, "href");
  const any = (parts, text) => {
    for (let i = 0; i < parts.length; i++) if (find(text, parts[i]) >= 0) return true;
    return false;
  };
  const baseOf = getter(Node.prototype, "baseURI"); // that of a `<base>`, and of an empty frame its parent's
  const parsed = (url) => natives.construct(natives.URL, [url, baseOf(document)]);
  const leaves = (url, size, live) => {
    try {
      const full = hrefOf(parsed(url));
      if (any(urls, full)) {
        note({ k: "send", t: now(), url: full, page: location.href, size, stored: verbs.stored(), stack: stack() });
        if (live) flush(); // a frame is reported at once: what was known of it must be there before
      }
    } catch {
      return; // not an address: the page's own call says so to the page
    }
  };
  const sends = () => {
    const sizeOf = (data) => {
      const size = typeof data === "string" ? data.length : (data?.byteLength ?? data?.size);
      return typeof size === "number" ? size : 0;
    };
    const wrap = (owner, name, reported, live = false) => {
      const original = owner?.[name];
      if (typeof original !== "function") return;
      replace(owner, name, function (...args) {
        try {
          if (name === "fetch" && args.length > 1) args[1] = natives.settled(args[1]);
          leaves(reported(this, args), sizeOf(name === "fetch" ? args[1]?.body : args[name === "sendBeacon" ? 1 : 0]), live);
        } catch {
          // the page's own object refused to be read: its own call says so to the page
        }
        return apply(original, this, args);
      });
    };
    const urlOf = getter(Request.prototype, "url");
    const isRequest = natives.brand(urlOf);
    /** The address in these arguments. What is no text becomes one here, once: its toString may be the page's, and count its calls. */
    const address = (args, at) => {
      if (isRequest(args[at])) return urlOf(args[at]);
      if (args.length > at && typeof args[at] !== "string") args[at] = `${args[at]}`;
      return args[at];
    };
    if (globalThis.EventSource) {
      const { EventSource } = globalThis;
      const { construct } = natives;
      const sourceUrl = getter(EventSource.prototype, "url");
      const value = stand(EventSource, {
        __proto__: null,
        construct: (native, args, kind) => {
          const source = construct(native, args, kind);
          leaves(sourceUrl(source), 0, false);
          return source;
        },
      });
      defineProperty(globalThis, "EventSource", { __proto__: null, ...descriptor(globalThis, "EventSource"), value });
      const own = descriptor(EventSource.prototype, "constructor");
      defineProperty(EventSource.prototype, "constructor", { __proto__: null, ...own, value });
    }
    const socketUrl = getter(WebSocket.prototype, "url");
    wrap(globalThis, "fetch", (_, args) => address(args, 0));
    wrap(Navigator.prototype, "sendBeacon", (_, args) => address(args, 0));
    wrap(WebSocket.prototype, "send", (socket) => socketUrl(socket), true);
    const opened = new WeakMap();
    const openedAt = method(WeakMap.prototype, "get");
    const opens = method(WeakMap.prototype, "set");
    const { open } = XMLHttpRequest.prototype;
    replace(XMLHttpRequest.prototype, "open", function (...args) {
      try {
        if (args.length > 1) opens(opened, this, address(args, 1));
      } catch {
        // it is no text: the page's own call says so to the page
      }
      return apply(open, this, args);
    });
    wrap(XMLHttpRequest.prototype, "send", (request) => openedAt(opened, request) ?? "");
  };

  /** Whether the suite wants the body of what this address replies. */
  const watched = (url) => config.full && any(replies, url);
  const originOf = getter(URL.prototype, "origin");
  const hostOf = getter(URL.prototype, "hostname");
  /** The cookies that go with a request, as far as a page may see them; null where it is not known. */
  const sentCookies = (url, credentials) => {
    const there = parsed(find(url, "ws") === 0 ? `http${slice(url, 2)}` : url);
    if (credentials === "omit" || (credentials === "same-origin" && originOf(there) !== location.origin)) return "";
    try {
      return hostOf(there) === location.hostname && cookie ? apply(cookie.get, document, []) : null;
    } catch {
      return null; // a sandboxed page may not look at them
    }
  };

  // -- what the suite asks ---------------------------------------------------------------------------------------------

  const readers = {
    __proto__: null,
    localStorage: () => readArea("localStorage"),
    sessionStorage: () => readArea("sessionStorage"),
    cookie: readCookies,
    url: readAddress,
    indexedDB: readRecords,
  };
  const marks = bare();
  const isConnected = getter(Node.prototype, "isConnected");
  const contains = method(Node.prototype, "contains");
  const rootOf = method(Node.prototype, "getRootNode");
  const attribute = method(Element.prototype, "getAttribute");
  const boxOf = method(Element.prototype, "getBoundingClientRect");
  const shadowOf = getter(Element.prototype, "shadowRoot");
  const innerText = getter(HTMLElement.prototype, "innerText");
  const queryAll = method(Document.prototype, "querySelectorAll");
  const countOf = getter(NodeList.prototype, "length");
  const edge = (name) => getter(DOMRectReadOnly.prototype, name);
  const [leftOf, topOf, widthOf, heightOf] = [edge("left"), edge("top"), edge("width"), edge("height")];
  const roots = [Document.prototype, ShadowRoot.prototype].map((proto) => ({
    at: method(proto, "elementFromPoint"),
    active: getter(proto, "activeElement"),
  }));
  const textContent = getter(Node.prototype, "textContent");
  const childrenOf = getter(Node.prototype, "childNodes");
  const kindOf = getter(Node.prototype, "nodeType");
  const { getComputedStyle } = globalThis;
  const styleOf = (element) => apply(getComputedStyle, undefined, [element]);
  const valueOfStyle = method(CSSStyleDeclaration.prototype, "getPropertyValue");
  const checkVisibility = method(Element.prototype, "checkVisibility");
  const hasCheck = typeof Element.prototype.checkVisibility === "function";
  const says = (element) => {
    try {
      return innerText(element);
    } catch {
      return textContent(element) ?? ""; // a graphic has no inner text
    }
  };
  const verbs = {
    __proto__: null,
    mark: (name, element) => {
      marks[name] = element;
    },
    /** State of a marked element, and the point in this frame at which a click would hit it. */
    probe: (name) => {
      const element = marks[name];
      if (!element || !isConnected(element)) return { ok: false, why: "gone" };
      if (element.disabled || attribute(element, "aria-disabled") === "true") return { ok: false, why: "disabled" };
      const box = boxOf(element);
      const x = leftOf(box) + widthOf(box) / 2;
      const y = topOf(box) + heightOf(box) / 2;
      const root = rootOf(element);
      const { at, active } = roots[root === document ? 0 : 1];
      const top = at(root, x, y);
      if (!top || !(contains(element, top) || (contains(top, element) && shadowOf(top)))) return { ok: false, why: "covered" };
      return { ok: true, x, y, focused: active(root) === element };
    },
    /** Several questions in one call: a mark's probe, the store, and how many elements match a CSS selector and what the last one says. */
    look: (mark, selectors, stored, whole = false, seen = undefined) => {
      const found = bare();
      const names = ownKeys(selectors);
      for (let i = 0; i < names.length; i++) {
        const all = queryAll(document, selectors[names[i]]);
        const count = countOf(all);
        const last = count ? all[count - 1] : null;
        found[names[i]] = { __proto__: null, count, last: last === null ? null : says(last) };
        if (whole && names[i] === "messages") {
          const texts = [];
          for (let n = 0; n < count; n++) append(texts, says(all[n]));
          found[names[i]].all = texts;
        }
      }
      const shown = seen === undefined ? undefined : seen !== null && verbs.visible(seen);
      return { probe: mark ? verbs.probe(mark) : null, found, stored: stored ? verbs.stored() : undefined, shown };
    },
    /** What these elements say, as a person sees it. */
    texts: (elements) => {
      const texts = [];
      for (let i = 0; i < elements.length; i++) append(texts, says(elements[i]));
      return texts;
    },
    /** By Playwright's rule: it has a box, and no style hides it. */
    visible: (element) => {
      const style = styleOf(element);
      if (valueOfStyle(style, "display") === "contents") {
        const children = childrenOf(element);
        for (let i = 0, count = countOf(children); i < count; i++) {
          const kind = kindOf(children[i]);
          if (kind === 1 && verbs.visible(children[i])) return true;
          if (kind === 3 && trim(textContent(children[i]) ?? "")) return true;
        }
        return false;
      }
      if (hasCheck && !checkVisibility(element)) return false;
      if (valueOfStyle(style, "visibility") !== "visible") return false;
      const box = boxOf(element);
      return widthOf(box) > 0 && heightOf(box) > 0;
    },
    /** Values under the session's key, null where the store cannot be read; of several keys also which were written, the latest first. */
    stored: () => {
      try {
        if (!readable) return null;
        const found = readers[config.store]();
        if (found === null || config.keyPart === null) return found;
        const there = [];
        for (let i = 0; i < written.length; i++) if (hasOwn(found, written[i])) append(there, written[i]);
        return { values: found, written: there };
      } catch {
        return null;
      }
    },
  };

  const isChat = depth === config.depth && location.protocol !== "about:"; // an empty page is none of the target's
  let readable = config.store in readers;
  try {
    areas.localStorage = globalThis.localStorage;
    areas.sessionStorage = globalThis.sessionStorage;
    if (config.full) hookAreas();
  } catch {
    // an opaque origin (about:blank, a sandboxed frame) has no storage: reported as null, never as empty
    readable = readable && config.store === "url";
  }
  if (config.full) {
    if (config.store === "cookie" && readable) hookCookies();
    if (config.store === "url" && isChat) hookAddress();
    if (config.store === "indexedDB" && readable) hookRecords();
    if (!wire) sends();
  }
  if (wire) {
    const mine = { __proto__: null, replies: config.replies, full: config.full, secret: config.workerSecret, events: config.events };
    const query = method(Document.prototype, "querySelector");
    const isTop = globalThis === globalThis.top;
    const workers = globalThis.Worker && {
      __proto__: null,
      secret: config.workerSecret,
      post: Worker.prototype.postMessage,
      allowed: () => config.workers && isTop && !query(document, 'meta[http-equiv="Content-Security-Policy" i]'),
      prelude: (url) => `try{(${config.inWorker})((${config.nativesSource})(), ${config.wireSource}, ${config.disguiseSource}, ${json({ __proto__: null, ...mine, url })})}catch{}`,
    };
    const place = () => ({ __proto__: null, page: location.href, depth });
    const send = config.full ? leaves : () => {};
    wire(natives, { __proto__: null, note, send, flush, now, watched, cookies: sentCookies, place, events: config.events, workers, disguise });
  }
  const started = now();
  const start = () => isChat && note({ k: "start", t: started, url: location.href, stored: verbs.stored() });
  if (config.store === "indexedDB" && readable) loadRecords().then(start, start);
  else start();

  for (const verb of ["open", "write", "writeln"]) {
    const original = Document.prototype[verb];
    replace(Document.prototype, verb, function (...args) {
      const result = apply(original, this, args);
      natives.relisten();
      return result;
    });
  }
  const persisted = getter(PageTransitionEvent.prototype, "persisted");
  listenHere("pageshow", (event) => event.isTrusted && persisted(event) && isChat && note({ k: "restored", t: now() }));

  const pathOf = method(Event.prototype, "composedPath");
  const timeOf = getter(Event.prototype, "timeStamp");
  const pressedKey = getter(KeyboardEvent.prototype, "key");
  for (const type of config.keys ? ["click", "keydown"] : ["click"]) {
    listenHere(
      type,
      (event) => {
        if (!event.isTrusted) return;
        const path = pathOf(event);
        const hits = [];
        const names = ownKeys(marks);
        for (let i = 0; i < names.length; i++) if (indexOf(path, marks[names[i]]) >= 0) append(hits, names[i]);
        const record = { __proto__: null, k: type, t: natives.since(timeOf(event)), hits };
        if (type === "keydown") {
          const pressed = pressedKey(event);
          record.key = pressed.length > 1 ? pressed : "";
        }
        note(record);
      },
      { __proto__: null, capture: true, passive: true },
    );
  }
  return verbs;
}
