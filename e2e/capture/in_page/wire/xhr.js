// `XMLHttpRequest`, whose text is looked at while it grows.
(natives, { absolute, after, asText, guarded, hasNoBody, ticks, tools, weakTable, wrap }, bodies, exchanges) => {
  const { apply, bare, construct, find, getter, json, listen, method, slice, split, trim } = natives;
  const { begin, data, failed, finished, head, servedBy } = exchanges;
  const { cookies, send, watched } = tools;
  const G = globalThis;
  const XHR = G.XMLHttpRequest?.prototype;
  if (!XHR) return;
  const requests = weakTable();
  const following = weakTable(); // an XMLHttpRequest -> its request that is on its way; it may be used again and again
  const attributes = ["readyState", "response", "responseText", "responseType", "responseURL", "status", "withCredentials"];
  const [stateOf, contentOf, textOf, typeOf, urlOf, statusOf, hasCookies] = attributes.map((name) => getter(XHR, name));
  const headersOf = method(XHR, "getAllResponseHeaders");
  const [lower, upper] = ["toLowerCase", "toUpperCase"].map((name) => method(String.prototype, name));

  const received = (xhr) => {
    const found = bare();
    const lines = split(trim(headersOf(xhr)), "\r\n");
    for (let i = 0; i < lines.length; i++) {
      const at = find(lines[i], ":");
      if (at > 0) found[lower(slice(lines[i], 0, at))] = trim(slice(lines[i], at + 1));
    }
    return found;
  };
  const began = (xhr, seen) => {
    if (seen.answered || !statusOf(xhr)) return;
    seen.answered = true;
    head(seen.id, urlOf(xhr) || seen.url, statusOf(xhr), received(xhr));
  };
  /** What came since it was looked at last; what is no text is there when all of it is. */
  const grown = (xhr, seen, whole) => {
    if (!seen.wanted || seen.whole) return;
    const type = typeOf(xhr);
    let bytes = null;
    if (type === "" || type === "text") {
      const text = textOf(xhr);
      bytes = bodies.utf8(slice(text, seen.at));
      seen.at = text.length;
    } else if (whole && type === "json" && contentOf(xhr) !== null) bytes = bodies.utf8(json(contentOf(xhr)));
    else if (whole && type === "arraybuffer" && contentOf(xhr)) bytes = bodies.bytesOf(contentOf(xhr));
    else if (whole && type !== "blob") seen.lost = `the page reads it as ${type}`;
    seen.whole = whole;
    const size = bytes ? bodies.lengthOf(bytes) : 0;
    if (size) data(seen.id, bytes, size, true);
  };
  const ended = (xhr, seen, outcome) => {
    following.delete(xhr);
    began(xhr, seen);
    // A time limit is the page's own, as an abort is.
    if (outcome !== "load") return failed(seen.id, outcome, outcome !== "error");
    const response = contentOf(xhr);
    if (seen.wanted && typeOf(xhr) === "blob" && response) {
      const done = (buffer) => {
        const bytes = bodies.bytesOf(buffer);
        data(seen.id, bytes, bodies.lengthOf(bytes), false);
        finished(seen.id, servedBy(seen));
      };
      return after(bodies.blobBytes(response), done, () => finished(seen.id, "", "the page's copy could not be read"));
    }
    grown(xhr, seen, true);
    finished(seen.id, servedBy(seen), seen.lost);
  };
  // The listeners are the first of their object: what a page does in its own ones comes after what it does it with.
  const follow = (xhr) => {
    const on = (type, look) => listen(xhr, type, () => guarded(() => following.has(xhr) && look(following.get(xhr))));
    on("readystatechange", (seen) => {
      const state = stateOf(xhr);
      if (state >= 2) began(xhr, seen);
      if (state === 4 && statusOf(xhr)) grown(xhr, seen, true);
    });
    on("progress", (seen) => {
      began(xhr, seen);
      grown(xhr, seen, false);
    });
    const ends = (type) => on(type, (seen) => ended(xhr, seen, type));
    ends("load");
    ends("error");
    ends("abort");
    ends("timeout");
  };
  wrap(G, "XMLHttpRequest", {
    construct(native, args, target) {
      const xhr = construct(native, args, target);
      guarded(() => follow(xhr));
      return xhr;
    },
  });
  wrap(XHR, "open", {
    apply(native, self, args) {
      const before = guarded(() => following.get(self));
      const whole = guarded(() => stateOf(self) === 4 && statusOf(self) > 0, false);
      if (before && whole) guarded(() => ended(self, before, "load")); // it is used again before its own end is announced
      asText(args, 0);
      asText(args, 1);
      const result = apply(native, self, args);
      if (before && !whole) guarded(() => following.delete(self) && failed(before.id, "abort", true));
      guarded(() => requests.set(self, { __proto__: null, method: upper(args[0]), url: absolute(args[1]), headers: bare() }));
      return result;
    },
  });
  wrap(XHR, "setRequestHeader", {
    apply(native, self, args) {
      const result = apply(native, self, args);
      guarded(() => {
        const { headers } = requests.get(self);
        const name = lower(`${args[0]}`);
        headers[name] = name in headers ? `${headers[name]}, ${args[1]}` : `${args[1]}`;
      });
      return result;
    },
  });
  wrap(XHR, "send", {
    apply(native, self, args) {
      guarded(() => {
        const seen = requests.get(self);
        if (!seen || stateOf(self) !== 1 || following.has(self)) return; // the browser refuses it
        send(seen.url, bodies.sizeOf(args[0]), false);
        const cookie = cookies(seen.url, hasCookies(self) ? "include" : "same-origin");
        const body = hasNoBody(seen.method) ? null : bodies.bodyOf(args[0]);
        const id = begin("XHR", seen.method, seen.url, { __proto__: null, ...seen.headers }, body, cookie);
        const { method: verb, url } = seen;
        following.set(self, { __proto__: null, method: verb, url, id, at: 0, wanted: watched(url), since: ticks(), answered: false, whole: false, lost: undefined });
      });
      return apply(native, self, args);
    },
  });
}
