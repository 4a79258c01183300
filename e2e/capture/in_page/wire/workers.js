// A dedicated worker is started by an address of ours: what watches it, then its own script. That is possible where its script is in
// the page (blob:; one of data: has an origin of its own), or at an address of this origin in a page whose policy was seen to allow it.
// Of any other worker the suite says that it cannot see what it sends.
(natives, { absolute, guarded, table, tools, weakTable, wrap }, { isBlob }) => {
  const { apply, bare, construct, getter, json, listen, method, ownKeys, sequence } = natives;
  const { note, now, workers } = tools;
  const G = globalThis;
  const blind = (kind, url) => note({ __proto__: null, k: "wire", e: "blind", t: now(), kind, url });
  const unseen = (kind) => ({
    construct(native, args, target) {
      const worker = construct(native, args, target);
      blind(kind, guarded(() => absolute(args[0]), ""));
      return worker;
    },
  });

  // A page may let its service worker send a message.
  const posted = weakTable();
  const scriptOf = getter(G.ServiceWorker?.prototype, "scriptURL");
  wrap(G.ServiceWorker?.prototype, "postMessage", {
    apply(native, self, args) {
      guarded(() => {
        if (!posted.has(self)) blind("service worker", scriptOf(self));
        posted.set(self, true);
      });
      return apply(native, self, args);
    },
  });
  if (!workers) return wrap(G, "Worker", unseen("worker"));

  const { Blob, MessageChannel, URL } = G;
  const urls = table();
  const running = weakTable(); // a worker -> its requests that have not ended
  const { createObjectURL } = URL;
  const [protocolOf, originOf] = ["protocol", "origin"].map((name) => getter(URL.prototype, name));
  const [portOne, portTwo] = ["port1", "port2"].map((name) => getter(MessageChannel.prototype, name));
  const startPort = method(G.MessagePort.prototype, "start");
  const dataOf = getter(G.MessageEvent.prototype, "data");
  const { origin } = G.location;
  wrap(URL, "createObjectURL", {
    apply(native, self, args) {
      const url = apply(native, self, args);
      guarded(() => isBlob(args[0]) && urls.set(url, args[0]));
      return url;
    },
  });
  wrap(URL, "revokeObjectURL", {
    apply(native, self, args) {
      guarded(() => urls.delete(`${args[0]}`));
      return apply(native, self, args);
    },
  });
  const script = (...parts) => apply(createObjectURL, URL, [new Blob(sequence(parts), { __proto__: null, type: "text/javascript" })]);
  const { post, prelude } = workers;
  const started = (args) => {
    if (!args.length) return null;
    const url = absolute(args[0]);
    const at = new URL(url);
    if (protocolOf(at) === "blob:" && urls.has(url)) return script(prelude(""), "\n", urls.get(url));
    if (originOf(at) !== origin || !workers.allowed()) return null;
    if (args[1]?.type !== "module") return script(prelude(url), `\nimportScripts(${json(url)});`);
    return script(`import ${json(script(prelude(url)))};\nimport ${json(url)};`);
  };
  const { construct: startUnseen } = unseen("worker");
  wrap(G, "Worker", {
    construct(native, args, target) {
      const ours = guarded(() => started(args), null);
      if (!ours) return startUnseen(native, args, target);
      args[0] = ours;
      const worker = construct(native, args, target);
      guarded(() => {
        const channel = new MessageChannel();
        const inside = portOne(channel);
        const outside = portTwo(channel);
        const open = bare();
        running.set(worker, open);
        listen(inside, "message", (event) => {
          const records = dataOf(event);
          for (let i = 0; i < records.length; i++) {
            const { e, id } = records[i];
            if (e === "request") open[id] = true;
            if (e === "finished" || e === "failed") delete open[id];
            note({ __proto__: null, ...records[i], from: "worker" }, e === "data" || e === "received");
          }
        });
        startPort(inside);
        apply(post, worker, [{ __proto__: null, secret: workers.secret, port: outside }, sequence([outside])]);
      });
      return worker;
    },
  });
  // A page may end a worker with its reply: the worker has no time then to say how its request ended.
  wrap(G.Worker.prototype, "terminate", {
    apply(native, self, args) {
      const result = apply(native, self, args);
      guarded(() => {
        const open = running.get(self);
        if (!open) return;
        const end = () => {
          const ids = ownKeys(open);
          for (let i = 0; i < ids.length; i++) {
            note({ __proto__: null, k: "wire", e: "failed", t: now(), id: ids[i], error: "the worker has ended", cancelled: true, from: "worker" });
            delete open[ids[i]];
          }
        };
        natives.later(end, 50); // what it has reported comes first
      });
      return result;
    },
  });
  return wrap(G, "SharedWorker", unseen("shared worker"));
}
