// `WebSocket`: the frames in both directions, in their order.
(natives, { after, guarded, newId, tools, weakTable, wrap }, bodies, { record }) => {
  const { append, apply, construct, getter, listen } = natives;
  const { cookies, flush, note, now, place, send } = tools;
  const G = globalThis;
  const proto = G.WebSocket?.prototype;
  if (!proto) return;
  const [stateOf, urlOf] = ["readyState", "url"].map((name) => getter(proto, name));
  const dataOf = getter(G.MessageEvent.prototype, "data");
  const sockets = weakTable();
  const frame = (e, id, data, t, lazy) => {
    const made = record(e, id, e === "sent" ? place() : null);
    made.t = t;
    if (bodies.isBinary(data)) made.bytes = bodies.base64(bodies.bytesOf(data));
    else made.text = `${data}`;
    note(made, lazy);
  };
  const connect = (socket) => {
    const id = newId();
    const url = urlOf(socket);
    const seen = { __proto__: null, url, waiting: null, inOrder: null };
    sockets.set(socket, seen);
    note(record("socket", id, { __proto__: null, url, cookie: cookies(url, "include") }));
    // The content of a Blob is read later: what came after it waits, to stay in its order.
    const inTurn = (call, content) => {
      if (content === null && seen.waiting === null) return call();
      const mine = { __proto__: null, call, ready: content === null };
      seen.waiting ??= [];
      append(seen.waiting, mine);
      const ready = () => {
        mine.ready = true;
        const all = seen.waiting;
        let at = 0;
        while (at < all.length && all[at].ready) guarded(all[at++].call);
        const rest = [];
        for (; at < all.length; at++) append(rest, all[at]);
        seen.waiting = rest.length ? rest : null;
      };
      if (content !== null) after(content, ready, ready);
      return undefined;
    };
    seen.inOrder = (e, data, t, lazy) => {
      if (bodies.isBlob(data)) {
        let buffer = null;
        const content = bodies.blobBytes(data);
        after(content, (found) => {
          buffer = found;
        });
        return inTurn(() => buffer && frame(e, id, buffer, t, lazy), content);
      }
      // A page may write into its bytes again before their turn.
      const kept = seen.waiting !== null && bodies.isBinary(data) ? bodies.copied(data) : data;
      return inTurn(() => frame(e, id, kept, t, lazy), null);
    };
    listen(socket, "message", (event) => guarded(() => seen.inOrder("received", dataOf(event), now(), true)));
    listen(socket, "close", () => guarded(() => inTurn(() => note(record("closed", id, null)), null)));
  };
  wrap(G, "WebSocket", {
    construct(native, args, target) {
      const socket = construct(native, args, target);
      guarded(() => connect(socket));
      return socket;
    },
  });
  wrap(proto, "send", {
    apply(native, self, args) {
      // A socket that is closing drops what is sent; one that is connecting refuses it.
      if (guarded(() => stateOf(self) === 1, false)) {
        if (args.length && typeof args[0] !== "string" && !bodies.isBinary(args[0]) && !bodies.isBlob(args[0])) args[0] = `${args[0]}`;
        guarded(() => {
          if (!sockets.has(self)) connect(self);
          const seen = sockets.get(self);
          send(seen.url, bodies.sizeOf(args[0]), false);
          seen.inOrder("sent", args[0], now(), false);
          flush(); // what is known of a frame must be there before its reply
        });
      }
      return apply(native, self, args);
    },
  });
}
