// Watches what leaves and what comes in from inside the page, or inside a worker: for engines without a protocol that shows it.
// Sees, never changes: the page gets the browser's own promises, responses, sockets and errors, at their own times. `tools` is what
// the recorder hands over: `note` (report a record; later, when `lazy`), `send` (a request leaves now), `flush`, `now`, `watched`
// (whether the body of a reply from this URL is wanted), `cookies` (what the page sees of them), `place` (which frame this is), `events`
// (names of server-sent events that rules read), `workers` (how one is started) and `disguise` (what stands for a function looks like it).
(tools) => {
  const { note, send, flush, now, watched, cookies, place } = tools;
  const G = globalThis;
  const { apply, construct } = Reflect;
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;
  const { stand } = tools.disguise;
  const text = (chars) => String.fromCharCode.apply(null, chars);
  const encode = G.btoa.bind(G);
  const NativeRequest = G.Request, NativeHeaders = G.Headers, NativeURL = G.URL, NativeResponse = G.Response;
  const NativePromise = Promise;
  const { then } = Promise.prototype;
  const after = (promise, done, failed) => void apply(then, promise, [done, failed ?? (() => {})]);
  const prefix = Math.random().toString(36).slice(2, 8);
  const LIMIT = 1 << 20; // characters of a request's body that are handed on
  let count = 0;
  const newId = () => `${prefix}${++count}`;
  const guarded = (look, otherwise) => {
    try {
      return look();
    } catch {
      return otherwise; // what cannot be seen must not reach the page as an error
    }
  };

  const wrap = (on, name, handler) => {
    let owner = on;
    while (owner && !hasOwn(owner, name)) owner = getPrototypeOf(owner); // a worker has its functions from a prototype
    const field = owner && getOwnPropertyDescriptor(owner, name);
    if (typeof field?.value !== "function") return;
    const value = stand(field.value, handler);
    defineProperty(owner, name, { ...field, value });
    if (handler.construct) {
      const own = getOwnPropertyDescriptor(field.value.prototype, "constructor");
      if (own?.configurable) defineProperty(field.value.prototype, "constructor", { ...own, value });
    }
  };

  // -- bodies -----------------------------------------------------------------------------------------------------------------------

  const base64 = (bytes) => {
    let found = "";
    for (let at = 0; at < bytes.length; at += 0x8000) found += text(bytes.subarray(at, at + 0x8000));
    return encode(found);
  };
  const bytesOf = (data) =>
    data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  /** `{text}`, `{bytes}`, `{later}` (a promise of one of these) or null; with the content type that the browser gives it. */
  const bodyOf = (body) => {
    if (body === null || body === undefined) return null;
    if (typeof body === "string") return { text: body.slice(0, LIMIT), type: "text/plain;charset=UTF-8" };
    if (body instanceof G.URLSearchParams) return { text: String(body), type: "application/x-www-form-urlencoded;charset=UTF-8" };
    if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return { bytes: base64(bytesOf(body)) };
    if (G.FormData && body instanceof G.FormData) {
      const whole = new NativeResponse(body); // encodes it as a request would, with another boundary
      return { later: whole.arrayBuffer(), type: whole.headers.get("content-type") };
    }
    if (G.Blob && body instanceof G.Blob) return { later: body.arrayBuffer(), type: body.type };
    if (G.Document && body instanceof G.Document) return { text: new XMLSerializer().serializeToString(body), type: "application/xml" };
    if (G.ReadableStream && body instanceof G.ReadableStream) return { lost: "the page sends it as a stream" };
    return { text: String(body).slice(0, LIMIT), type: "text/plain;charset=UTF-8" };
  };
  const sizeOf = (data) => (typeof data === "string" ? data.length : data?.byteLength ?? data?.size ?? 0);
  const listed = (headers) => {
    const found = {};
    new NativeHeaders(headers).forEach((value, name) => (found[name] = value));
    return found;
  };
  const absolute = (url) => new NativeURL(String(url), G.document?.baseURI ?? G.location.href).href;

  const begin = (kind, method, url, headers, body, rest) => {
    const id = newId();
    if (body?.type && !("content-type" in headers)) headers["content-type"] = body.type;
    const record = { k: "wire", e: "request", t: now(), id, kind, method, url, headers, ...place(), ...rest };
    if (body?.text !== undefined) record.text = body.text;
    if (body?.bytes !== undefined) record.bytes = body.bytes;
    record.pending = Boolean(body?.later);
    record.lost = body?.lost;
    note(record);
    if (body?.later) {
      after(
        body.later,
        (buffer) => note({ k: "wire", e: "body", id, bytes: base64(new Uint8Array(buffer)) }),
        () => note({ k: "wire", e: "body", id, lost: "the page's body could not be read" }),
      );
    }
    return id;
  };
  const head = (id, url, status, headers) => note({ k: "wire", e: "response", t: now(), id, url, status, headers });
  const finished = (id, served = "", lost = undefined) => note({ k: "wire", e: "finished", t: now(), id, served, lost });
  const failed = (id, error, cancelled) =>
    note({ k: "wire", e: "failed", t: now(), id, error: guarded(() => String(error?.message ?? error), ""), cancelled });
  /** The page ended it itself: with whatever reason, or by a time limit. */
  const isStopped = (seen, error) => guarded(() => Boolean(seen.signal?.aborted) || error?.name === "AbortError", false);

  // -- fetch ------------------------------------------------------------------------------------------------------------------------

  const branches = new WeakMap(); // a stream of the page -> what ends our branch of it
  const read = (seen, response) => {
    const { id } = seen;
    const copy = response.clone();
    if (!copy.body) return finished(id);
    const reader = copy.body.getReader();
    let over = false;
    branches.set(response.body, () => {
      if (over) return;
      over = true;
      failed(id, "the page cancelled it", true);
      after(reader.cancel(), () => {});
    });
    const next = () =>
      after(
        reader.read(),
        ({ done, value }) => {
          if (over) return;
          if (done) {
            over = true;
            return finished(id, servedBy(seen));
          }
          note({ k: "wire", e: "data", t: now(), id, bytes: base64(value), size: value.length }, true);
          next();
        },
        (error) => {
          if (!over) failed(id, error, isStopped(seen, error));
          over = true;
        },
      );
    next();
  };
  /** The request that this call makes; null where the browser refuses it. */
  const fetching = (args) => {
    if (!args.length) return null;
    const [input, init] = args;
    const given = input instanceof NativeRequest ? input : null;
    const url = given ? given.url : absolute(input);
    const method = String(init?.method ?? given?.method ?? "GET").toUpperCase();
    const signal = init?.signal === undefined ? given?.signal : init.signal;
    const own = init?.body !== undefined && init.body !== null;
    if (signal?.aborted || (own ? /^(GET|HEAD)$/.test(method) : given?.bodyUsed)) return null;
    const headers = listed(init?.headers ?? given?.headers ?? {});
    let body = bodyOf(init?.body);
    if (!body && given?.body && !given.bodyUsed) body = { later: given.clone().arrayBuffer() };
    // Firefox had no `Request.body` before 2026: a method that may have a body is read through a copy.
    else if (!body && given && !("body" in given) && !/^(GET|HEAD)$/.test(method) && !given.bodyUsed) body = { later: given.clone().arrayBuffer() };
    send(url, sizeOf(init?.body), false);
    const credentials = init?.credentials ?? given?.credentials ?? "same-origin";
    return { url, method, signal, since: performance.now(), id: begin("Fetch", method, url, headers, body, { cookie: cookies(url, credentials) }) };
  };
  const answered = (seen, response) => {
    const url = response.url || seen.url;
    if (response.type === "opaqueredirect") return failed(seen.id, "the page does not follow the redirection", true);
    if (response.type === "opaque") return finished(seen.id); // its status is 0 for the page: that is none
    head(seen.id, url, response.status, listed(response.headers));
    if (response.body && watched(seen.url)) read({ ...seen, url }, response);
    else finished(seen.id);
  };
  wrap(G, "fetch", {
    apply(native, self, args) {
      const seen = guarded(() => fetching(args));
      const promise = apply(native, self, args);
      if (!seen) return promise;
      // A handler on the browser's own promise would hide from the page that nobody handles its rejection.
      return new NativePromise((resolve, reject) =>
        after(
          promise,
          (response) => {
            guarded(() => answered(seen, response));
            resolve(response);
          },
          (error) => {
            failed(seen.id, error, isStopped(seen, error));
            reject(error);
          },
        ),
      );
    },
  });
  // A page that stops reading must stop the browser's request too: our branch of the stream would keep it going.
  const stop = (stream) => guarded(() => branches.get(stream)?.());
  /** The page has cut its stream in two: it stops reading when it has stopped with both. */
  const cut = (end, streams) => {
    let left = streams.length;
    for (let i = 0; i < streams.length; i++) {
      let open = true;
      branches.set(streams[i], () => {
        if (open) left -= 1;
        open = false;
        if (!left) end();
      });
    }
  };
  const streams = G.ReadableStream?.prototype;
  const readers = new WeakMap();
  wrap(NativeResponse.prototype, "clone", {
    apply(native, self, args) {
      const end = guarded(() => branches.get(self.body));
      const copy = apply(native, self, args);
      if (end) guarded(() => cut(end, [self.body, copy.body]));
      return copy;
    },
  });
  wrap(streams, "tee", {
    apply(native, self, args) {
      const both = apply(native, self, args);
      const end = branches.get(self);
      if (end) cut(end, both);
      return both;
    },
  });
  wrap(streams, "getReader", {
    apply(native, self, args) {
      const reader = apply(native, self, args);
      if (branches.has(self)) readers.set(reader, self);
      return reader;
    },
  });
  wrap(streams, "cancel", {
    apply(native, self, args) {
      if (guarded(() => !self.locked, false)) stop(self);
      return apply(native, self, args);
    },
  });
  for (const kind of ["ReadableStreamDefaultReader", "ReadableStreamBYOBReader"]) {
    wrap(G[kind]?.prototype, "cancel", {
      apply(native, self, args) {
        stop(readers.get(self));
        return apply(native, self, args);
      },
    });
    wrap(G[kind]?.prototype, "releaseLock", {
      apply(native, self, args) {
        const result = apply(native, self, args);
        readers.delete(self);
        return result;
      },
    });
  }
  // A pipe that breaks cancels its source, unless the page wants it kept.
  const keeps = (options) => guarded(() => Boolean(options?.preventCancel), true);
  const pipeTo = streams?.pipeTo;
  wrap(streams, "pipeTo", {
    apply(native, self, args) {
      const end = guarded(() => !self.locked && !keeps(args[1]) && branches.get(self), null);
      const piped = apply(native, self, args);
      if (!end) return piped;
      return new NativePromise((resolve, reject) =>
        after(piped, resolve, (error) => {
          end();
          reject(error);
        }),
      );
    },
  });
  wrap(streams, "pipeThrough", {
    apply(native, self, args) {
      const end = guarded(() => !self.locked && !keeps(args[1]) && branches.get(self), null);
      if (!end) return apply(native, self, args);
      const { readable, writable } = args[0] ?? {};
      const whole = readable instanceof G.ReadableStream && writable instanceof G.WritableStream && !writable.locked;
      const signal = args[1]?.signal;
      if (!whole || (signal !== undefined && !(signal instanceof AbortSignal))) return apply(native, self, args); // the browser says why not
      after(apply(pipeTo, self, [writable, args[1]]), () => {}, end);
      return readable;
    },
  });
  const iterate = streams?.values;
  wrap(streams, "values", {
    apply(native, self, args) {
      const iterator = apply(native, self, args);
      const end = branches.get(self);
      if (end && !args[0]?.preventCancel) {
        const { return: leave } = getPrototypeOf(iterator);
        defineProperty(iterator, "return", {
          configurable: true,
          writable: true,
          value(...values) {
            end();
            return apply(leave, iterator, values);
          },
        });
      }
      return iterator;
    },
  });
  const again = streams && getOwnPropertyDescriptor(streams, Symbol.asyncIterator);
  if (again && again.value === iterate) defineProperty(streams, Symbol.asyncIterator, { ...again, value: streams.values });
  // What answered instead of the network, as far as the browser tells the page. That a service worker answered shows in times that
  // are missing; where it had the reply from does not show.
  const servedBy = ({ url, method, since }) =>
    guarded(() => {
      const controlled = Boolean(G.navigator.serviceWorker?.controller);
      if (!controlled && method !== "GET") return "";
      const entry = performance.getEntriesByName(url, "resource").find((one) => one.startTime >= since - 1);
      if (!entry) return controlled ? "service worker" : "";
      if (entry.transferSize > 0) return "";
      if (controlled && !entry.nextHopProtocol) return "service worker";
      return entry.encodedBodySize > 0 ? "browser cache" : "";
    }, "");

  // -- XMLHttpRequest ---------------------------------------------------------------------------------------------------------------

  const requests = new WeakMap();
  const following = new WeakMap(); // an XMLHttpRequest -> its request that is on its way; it may be used again and again
  const listen = G.EventTarget.prototype.addEventListener;
  const encoder = new TextEncoder();
  const XHR = G.XMLHttpRequest?.prototype;
  const received = (xhr) =>
    Object.fromEntries(
      xhr.getAllResponseHeaders().trim().split("\r\n").filter(Boolean).map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
    );
  const began = (xhr, seen) => {
    if (seen.answered || !xhr.status) return;
    seen.answered = true;
    head(seen.id, xhr.responseURL || seen.url, xhr.status, received(xhr));
  };
  /** What came since it was looked at last; what is no text is there when all of it is. */
  const grown = (xhr, seen, whole) => {
    if (!seen.wanted || seen.whole) return;
    const { responseType: type } = xhr;
    let bytes = null;
    if (type === "" || type === "text") {
      bytes = encoder.encode(xhr.responseText.slice(seen.at));
      seen.at = xhr.responseText.length;
    } else if (whole && type === "json" && xhr.response !== null) bytes = encoder.encode(JSON.stringify(xhr.response));
    else if (whole && type === "arraybuffer" && xhr.response) bytes = new Uint8Array(xhr.response);
    else if (whole && type !== "blob") seen.lost = `the page reads it as ${type}`;
    seen.whole = whole;
    if (bytes?.length) note({ k: "wire", e: "data", t: now(), id: seen.id, bytes: base64(bytes), size: bytes.length }, true);
  };
  const ended = (xhr, seen, outcome) => {
    following.delete(xhr);
    began(xhr, seen);
    // A time limit is the page's own, as an abort is.
    if (outcome !== "load") return failed(seen.id, outcome, outcome !== "error");
    const { response } = xhr;
    if (seen.wanted && xhr.responseType === "blob" && response) {
      const done = (buffer) => {
        note({ k: "wire", e: "data", t: now(), id: seen.id, bytes: base64(new Uint8Array(buffer)), size: buffer.byteLength });
        finished(seen.id, servedBy(seen));
      };
      return after(response.arrayBuffer(), done, () => finished(seen.id, "", "the page's copy could not be read"));
    }
    grown(xhr, seen, true);
    finished(seen.id, servedBy(seen), seen.lost);
  };
  // The listeners are the first of their object: what a page does in its own ones comes after what it does it with.
  const follow = (xhr) => {
    const on = (type, look) =>
      apply(listen, xhr, [type, () => guarded(() => following.has(xhr) && look(following.get(xhr)))]);
    on("readystatechange", (seen) => {
      if (xhr.readyState >= 2) began(xhr, seen);
      if (xhr.readyState === 4 && xhr.status) grown(xhr, seen, true);
    });
    on("progress", (seen) => {
      began(xhr, seen);
      grown(xhr, seen, false);
    });
    for (const type of ["load", "error", "abort", "timeout"]) on(type, (seen) => ended(xhr, seen, type));
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
      const whole = guarded(() => self.readyState === 4 && self.status > 0, false);
      if (before && whole) guarded(() => ended(self, before, "load")); // it is used again before its own end is announced
      const result = apply(native, self, args);
      if (before && !whole) guarded(() => following.delete(self) && failed(before.id, "abort", true));
      guarded(() => requests.set(self, { method: String(args[0]).toUpperCase(), url: absolute(args[1]), headers: {} }));
      return result;
    },
  });
  wrap(XHR, "setRequestHeader", {
    apply(native, self, args) {
      const result = apply(native, self, args);
      guarded(() => {
        const { headers } = requests.get(self), name = String(args[0]).toLowerCase();
        headers[name] = name in headers ? `${headers[name]}, ${args[1]}` : String(args[1]);
      });
      return result;
    },
  });
  wrap(XHR, "send", {
    apply(native, self, args) {
      guarded(() => {
        const seen = requests.get(self);
        if (!seen || self.readyState !== 1 || following.has(self)) return; // the browser refuses it
        send(seen.url, sizeOf(args[0]), false);
        const rest = { cookie: cookies(seen.url, self.withCredentials ? "include" : "same-origin") };
        const id = begin("XHR", seen.method, seen.url, { ...seen.headers }, /^(GET|HEAD)$/.test(seen.method) ? null : bodyOf(args[0]), rest);
        following.set(self, { ...seen, id, at: 0, wanted: watched(seen.url), since: performance.now() });
      });
      return apply(native, self, args);
    },
  });

  // -- EventSource ------------------------------------------------------------------------------------------------------------------

  const sources = new WeakMap();
  const hear = (source, type) => {
    const seen = sources.get(source);
    if (!seen || seen.types.has(type) || type === "open" || type === "error") return;
    seen.types.add(type);
    apply(listen, source, [
      type,
      (event) => guarded(() => typeof event.data === "string" && note({ k: "wire", e: "event", t: now(), id: seen.id, name: type, data: event.data }, true)),
    ]);
  };
  const subscribe = (source) => {
    const { url } = source;
    send(url, 0, false);
    const rest = { cookie: cookies(url, source.withCredentials ? "include" : "same-origin") };
    return begin("EventSource", "GET", url, { accept: "text/event-stream" }, null, rest);
  };
  wrap(G, "EventSource", {
    construct(native, args, target) {
      const source = construct(native, args, target);
      guarded(() => {
        const seen = { id: subscribe(source), types: new Set(), state: "asked" };
        sources.set(source, seen);
        hear(source, "message");
        for (let i = 0; i < tools.events.length; i++) hear(source, tools.events[i]);
        const on = (type, look) => apply(listen, source, [type, () => guarded(look)]);
        on("open", () => {
          if (seen.state === "over") seen.id = subscribe(source); // the browser has connected again, by a request of its own
          seen.state = "open";
          head(seen.id, source.url, 200, { "content-type": "text/event-stream" });
        });
        on("error", () => {
          if (seen.state === "over") return;
          const whole = seen.state === "open" && source.readyState === 0; // the server has ended it
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
      if (sources.has(self)) guarded(() => hear(self, String(args[0])));
      return apply(native, self, args);
    },
  });
  wrap(G.EventSource?.prototype, "close", {
    apply(native, self, args) {
      const open = guarded(() => self.readyState !== 2, false);
      const result = apply(native, self, args);
      const seen = sources.get(self);
      if (open && seen && seen.state !== "over") guarded(() => failed(seen.id, "", true));
      if (seen) seen.state = "over";
      return result;
    },
  });

  // -- forms ------------------------------------------------------------------------------------------------------------------------

  // The last word on what a form sends: the page's own listeners have had their time where the event has bubbled up to the window.
  if (G.HTMLFormElement) {
    const attribute = Element.prototype.getAttribute;
    apply(listen, G, ["formdata", (event) => guarded(() => {
      const { formData, target, isTrusted } = event;
      if (!isTrusted) return;
      const of = (name) => String(apply(attribute, target, [name]) ?? "").trim().toLowerCase();
      const record = { k: "wire", e: "form", t: now() };
      if (of("enctype") !== "multipart/form-data") {
        const fields = new URLSearchParams();
        formData.forEach((value, name) => fields.append(name, typeof value === "string" ? value : value.name));
        return note({ ...record, bytes: base64(encoder.encode(String(fields))) });
      }
      const whole = new NativeResponse(formData); // another boundary than that of the request
      const type = whole.headers.get("content-type");
      after(whole.arrayBuffer(), (buffer) => note({ ...record, type, bytes: base64(new Uint8Array(buffer)) }));
    })]);
  }

  // -- sendBeacon -------------------------------------------------------------------------------------------------------------------

  wrap(G.Navigator?.prototype, "sendBeacon", {
    apply(native, self, args) {
      const id = guarded(() => {
        const url = absolute(args[0]);
        send(url, sizeOf(args[1]), false);
        return begin("Ping", "POST", url, {}, bodyOf(args[1]), { cookie: cookies(url, "include") });
      });
      const left = apply(native, self, args);
      if (id && !left) guarded(() => failed(id, "the browser did not take the beacon", true));
      return left;
    },
  });

  // -- WebSocket --------------------------------------------------------------------------------------------------------------------

  const sockets = new WeakMap();
  const frame = (e, id, data, t, lazy) => {
    const whole = data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? { bytes: base64(bytesOf(data)) } : { text: String(data) };
    note({ k: "wire", e, t, id, ...whole, ...(e === "sent" ? place() : {}) }, lazy);
  };
  const connect = (socket) => {
    const id = newId();
    const seen = { id, url: socket.url, tail: null };
    sockets.set(socket, seen);
    note({ k: "wire", e: "socket", t: now(), id, url: socket.url, cookie: cookies(socket.url, "include") });
    // The content of a Blob is read later: what came after it must wait, to stay in its order.
    const inOrder = (e, data, t, lazy) => {
      if (G.Blob && data instanceof G.Blob) {
        const before = seen.tail;
        const bytes = data.arrayBuffer();
        const mine = (async () => {
          await before;
          const buffer = await bytes;
          frame(e, id, buffer, t, lazy);
          if (seen.tail === mine) seen.tail = null;
        })();
        seen.tail = mine;
        after(mine, () => {});
      } else if (seen.tail) {
        const kept = typeof data === "string" ? data : bytesOf(data).slice();
        after(seen.tail, () => frame(e, id, kept, t, lazy));
      } else frame(e, id, data, t, lazy);
    };
    seen.inOrder = inOrder;
    apply(listen, socket, ["message", (event) => guarded(() => inOrder("received", event.data, now(), true))]);
    apply(listen, socket, ["close", () => {
      const closed = () => note({ k: "wire", e: "closed", t: now(), id });
      if (seen.tail) after(seen.tail, closed);
      else closed();
    }]);
  };
  wrap(G, "WebSocket", {
    construct(native, args, target) {
      const socket = construct(native, args, target);
      guarded(() => connect(socket));
      return socket;
    },
  });
  wrap(G.WebSocket?.prototype, "send", {
    apply(native, self, args) {
      // A socket that is closing drops what is sent; one that is connecting refuses it.
      if (guarded(() => self.readyState === 1, false)) {
        guarded(() => {
          if (!sockets.has(self)) connect(self);
          send(self.url, sizeOf(args[0]), false);
          sockets.get(self).inOrder("sent", args[0], now(), false);
          flush(); // what is known of a frame must be there before its reply
        });
      }
      return apply(native, self, args);
    },
  });

  // -- workers ----------------------------------------------------------------------------------------------------------------------

  // A dedicated worker is started by an address of ours: what watches it, then its own script. That is possible where its script is
  // in the page (blob:; one of data: has an origin of its own), or at an address of this origin in a page whose policy was seen to allow it. Of any other worker the
  // suite says that it cannot see what it sends.
  const urls = new Map();
  const running = new WeakMap();
  const later = G.setTimeout.bind(G);
  const blind = (kind, url) => note({ k: "wire", e: "blind", t: now(), kind, url });
  // A page may let its service worker send a message.
  const posted = new WeakSet();
  wrap(G.ServiceWorker?.prototype, "postMessage", {
    apply(native, self, args) {
      guarded(() => {
        if (!posted.has(self)) blind("service worker", self.scriptURL);
        posted.add(self);
      });
      return apply(native, self, args);
    },
  });
  if (!tools.workers) {
    wrap(G, "Worker", {
      construct(native, args, target) {
        const worker = construct(native, args, target);
        blind("worker", guarded(() => absolute(args[0]), ""));
        return worker;
      },
    });
  } else {
    wrap(G.URL, "createObjectURL", {
      apply(native, self, args) {
        const url = apply(native, self, args);
        if (G.Blob && args[0] instanceof G.Blob) urls.set(url, args[0]);
        return url;
      },
    });
    wrap(G.URL, "revokeObjectURL", {
      apply(native, self, args) {
        urls.delete(String(args[0]));
        return apply(native, self, args);
      },
    });
    const make = NativeURL.createObjectURL.bind(NativeURL);
    const { post, prelude } = tools.workers;
    const started = (args) => {
      if (!args.length) return null;
      const url = absolute(args[0]);
      const at = new NativeURL(url);
      const module = args[1]?.type === "module";
      const script = (text) => make(new Blob(text, { type: "text/javascript" }));
      if (at.protocol === "blob:" && urls.has(url)) return script([prelude(""), "\n", urls.get(url)]);
      if (at.origin !== G.location.origin || !tools.workers.allowed()) return null;
      if (!module) return script([prelude(url), `\nimportScripts(${JSON.stringify(url)});`]);
      return script([`import ${JSON.stringify(script([prelude(url)]))};\nimport ${JSON.stringify(url)};`]);
    };
    wrap(G, "Worker", {
      construct(native, args, target) {
        const ours = guarded(() => started(args), null);
        if (!ours) {
          const worker = construct(native, args, target);
          blind("worker", guarded(() => absolute(args[0]), ""));
          return worker;
        }
        const worker = construct(native, [ours, ...args.slice(1)], target);
        guarded(() => {
          const channel = new MessageChannel();
          const open = new Set(); // its requests that have not ended
          running.set(worker, open);
          channel.port1.onmessage = (event) =>
            event.data.forEach((record) => {
              if (record.e === "request") open.add(record.id);
              if (record.e === "finished" || record.e === "failed") open.delete(record.id);
              note({ ...record, from: "worker" }, record.e === "data" || record.e === "received");
            });
          apply(post, worker, [{ secret: tools.workers.secret, port: channel.port2 }, [channel.port2]]);
        });
        return worker;
      },
    });
    // A page may end a worker with its reply: the worker has no time then to say how its request ended.
    wrap(G.Worker.prototype, "terminate", {
      apply(native, self, args) {
        const result = apply(native, self, args);
        guarded(() => {
          const cancelled = { k: "wire", e: "failed", error: "the worker has ended", cancelled: true, from: "worker" };
          const end = () => running.get(self)?.forEach((id) => note({ ...cancelled, t: now(), id }));
          later(end, 50); // what it has reported comes first
        });
        return result;
      },
    });
    wrap(G, "SharedWorker", {
      construct(native, args, target) {
        const worker = construct(native, args, target);
        blind("shared worker", guarded(() => absolute(args[0]), ""));
        return worker;
      },
    });
  }
}
