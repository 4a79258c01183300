// Watches what leaves and what comes in from inside the page, or inside a worker: for engines without a protocol that shows it.
// Sees, never changes: the page gets the browser's own promises, responses, sockets and errors, at their own times. `tools` is what
// the recorder hands over: `note` (report a record; later, when `lazy`), `send` (a request leaves now), `flush`, `now`, `watched`
// (whether the body of a reply from this URL is wanted), `cookies` (what the page sees of them), `place` (which frame this is) and `workers` (how one is started).
(tools) => {
  const { note, send, flush, now, watched, cookies, place } = tools;
  const G = globalThis;
  const { apply, construct } = Reflect;
  const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;
  const text = (chars) => String.fromCharCode.apply(null, chars);
  const encode = G.btoa.bind(G);
  const NativeRequest = G.Request, NativeHeaders = G.Headers, NativeURL = G.URL, NativeResponse = G.Response;
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

  // -- disguise: a wrapper has the name, the length, the properties and the text of what it wraps -----------------------------------

  const wrapped = new WeakMap();
  const wrap = (on, name, handler) => {
    let owner = on;
    while (owner && !hasOwn(owner, name)) owner = getPrototypeOf(owner); // a worker has its functions from a prototype
    const field = owner && getOwnPropertyDescriptor(owner, name);
    if (typeof field?.value !== "function") return;
    const proxy = new Proxy(field.value, handler);
    wrapped.set(proxy, field.value);
    defineProperty(owner, name, { ...field, value: proxy });
    if (handler.construct) {
      const own = getOwnPropertyDescriptor(field.value.prototype, "constructor");
      if (own?.configurable) defineProperty(field.value.prototype, "constructor", { ...own, value: proxy });
    }
    return field.value;
  };
  wrap(Function.prototype, "toString", { apply: (native, self, args) => apply(native, wrapped.get(self) ?? self, args) });

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
  const finished = (id, served = "") => note({ k: "wire", e: "finished", t: now(), id, served });
  const failed = (id, error, cancelled) =>
    note({ k: "wire", e: "failed", t: now(), id, error: guarded(() => String(error?.message ?? error), ""), cancelled });
  const isAbort = (error) => guarded(() => error?.name === "AbortError", false);

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
          if (!over) failed(id, error, isAbort(error));
          over = true;
        },
      );
    next();
  };
  const fetching = (args) => {
    const [input, init] = args;
    const given = input instanceof NativeRequest ? input : null;
    const url = given ? given.url : absolute(input);
    const method = String(init?.method ?? given?.method ?? "GET").toUpperCase();
    const headers = listed(init?.headers ?? given?.headers ?? {});
    let body = bodyOf(init?.body);
    if (!body && given?.body && !given.bodyUsed) body = { later: given.clone().arrayBuffer() };
    // Firefox had no `Request.body` before 2026: a method that may have a body is read through a copy.
    else if (!body && given && !("body" in given) && !/^(GET|HEAD)$/.test(method) && !given.bodyUsed) body = { later: given.clone().arrayBuffer() };
    send(url, sizeOf(init?.body), false);
    const credentials = init?.credentials ?? given?.credentials ?? "same-origin";
    return { url, method, since: performance.now(), id: begin("Fetch", method, url, headers, body, { cookie: cookies(url, credentials) }) };
  };
  wrap(G, "fetch", {
    apply(native, self, args) {
      const seen = guarded(() => fetching(args));
      const promise = apply(native, self, args);
      if (seen) {
        after(
          promise,
          (response) =>
            guarded(() => {
              const url = response.url || seen.url;
              head(seen.id, url, response.status, listed(response.headers));
              if (response.type !== "opaque" && response.body && watched(seen.url)) read({ ...seen, url }, response);
              else finished(seen.id);
            }),
          (error) => failed(seen.id, error, isAbort(error)),
        );
      }
      return promise;
    },
  });
  // A page that stops reading must stop the browser's request too: our branch of the stream would keep it going.
  const stop = (stream) => guarded(() => branches.get(stream)?.());
  const streams = G.ReadableStream?.prototype;
  const readers = new WeakMap();
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
  wrap(streams, "pipeThrough", {
    apply(native, self, args) {
      const out = apply(native, self, args);
      const end = branches.get(self);
      if (end) branches.set(out, end);
      return out;
    },
  });
  for (const name of ["values", Symbol.asyncIterator]) {
    wrap(streams, name, {
      apply(native, self, args) {
        const iterator = apply(native, self, args);
        const end = branches.get(self);
        if (end && !args[0]?.preventCancel) {
          const { return: leave } = Object.getPrototypeOf(iterator);
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
  }
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
  const XHR = G.XMLHttpRequest?.prototype;
  wrap(XHR, "open", {
    apply(native, self, args) {
      const result = apply(native, self, args);
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
  const received = (xhr) =>
    Object.fromEntries(
      xhr.getAllResponseHeaders().trim().split("\r\n").filter(Boolean).map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
    );
  const follow = (xhr, seen) => {
    let at = 0, answered = false, over = false;
    const wanted = watched(seen.url);
    const encoder = new TextEncoder();
    const grown = (last) => {
      if (!wanted) return;
      let bytes = null;
      if (xhr.responseType === "" || xhr.responseType === "text") {
        bytes = encoder.encode(xhr.responseText.slice(at));
        at = xhr.responseText.length;
      } else if (last && xhr.responseType === "json" && xhr.response !== null) bytes = encoder.encode(JSON.stringify(xhr.response));
      else if (last && xhr.responseType === "arraybuffer" && xhr.response) bytes = new Uint8Array(xhr.response);
      if (bytes?.length) note({ k: "wire", e: "data", t: now(), id: seen.id, bytes: base64(bytes), size: bytes.length }, true);
    };
    const began = () => {
      if (answered || !xhr.status) return;
      answered = true;
      head(seen.id, xhr.responseURL || seen.url, xhr.status, received(xhr));
    };
    const ended = (outcome) => () =>
      guarded(() => {
        if (over) return;
        over = true;
        began();
        if (outcome !== "ok") return failed(seen.id, outcome, outcome === "abort");
        const { response } = xhr;
        if (wanted && xhr.responseType === "blob" && response) {
          const done = (buffer) => {
            note({ k: "wire", e: "data", t: now(), id: seen.id, bytes: base64(new Uint8Array(buffer)), size: buffer.byteLength });
            finished(seen.id, servedBy(seen));
          };
          return after(response.arrayBuffer(), done, () => finished(seen.id));
        }
        grown(true);
        finished(seen.id, servedBy(seen));
      });
    const on = (type, listener) => apply(listen, xhr, [type, listener]);
    on("readystatechange", () => guarded(() => xhr.readyState >= 2 && began()));
    on("progress", () => guarded(() => { began(); grown(false); }));
    on("load", ended("ok"));
    for (const type of ["error", "abort", "timeout"]) on(type, ended(type));
  };
  const listen = G.EventTarget.prototype.addEventListener;
  wrap(XHR, "send", {
    apply(native, self, args) {
      guarded(() => {
        const seen = requests.get(self);
        if (!seen) return;
        send(seen.url, sizeOf(args[0]), false);
        const rest = { cookie: cookies(seen.url, self.withCredentials ? "include" : "same-origin") };
        const id = begin("XHR", seen.method, seen.url, { ...seen.headers }, /^(GET|HEAD)$/.test(seen.method) ? null : bodyOf(args[0]), rest);
        follow(self, { ...seen, id, since: performance.now() });
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
  wrap(G, "EventSource", {
    construct(native, args, target) {
      const source = construct(native, args, target);
      guarded(() => {
        const { url } = source;
        send(url, 0, false);
        const rest = { cookie: cookies(url, source.withCredentials ? "include" : "same-origin") };
        const id = begin("EventSource", "GET", url, { accept: "text/event-stream" }, null, rest);
        sources.set(source, { id, types: new Set() });
        hear(source, "message");
        for (const name of tools.events) hear(source, name);
        apply(listen, source, ["open", () => head(id, url, 200, { "content-type": "text/event-stream" })]);
        apply(listen, source, ["error", () => source.readyState === 2 && failed(id, "the EventSource was closed", false)]);
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
      if (open && sources.has(self)) guarded(() => failed(sources.get(self).id, "", true));
      return result;
    },
  });

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
  // in the page (blob:, data:), or at an address of this origin in a page whose policy was seen to allow it. Of any other worker the
  // suite says that it cannot see what it sends.
  const urls = new Map();
  const blind = (kind, url) => note({ k: "wire", e: "blind", t: now(), kind, url });
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
          channel.port1.onmessage = (event) => event.data.forEach((record) => note({ ...record, from: "worker" }, record.e === "data" || record.e === "received"));
          apply(post, worker, [{ secret: tools.workers.secret, port: channel.port2 }, [channel.port2]]);
        });
        return worker;
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
