// How the page's scripts of the suite report what they saw: in order, through a binding that the page never sees, each record with
// its number in this document. Every batch begins with a secret, so that a page that finds a way to call the suite convinces nobody.
(natives, config) => {
  "use strict";
  const exposed = globalThis[config.binding];
  if (typeof exposed !== "function" || natives.hasOwn(globalThis, config.name)) return null;
  delete globalThis[config.binding];
  const { append, apply, json, listenHere, method, now } = natives;

  // What Playwright exposes calls its own binding by a Map, a Promise, JSON and a name of the window, all of which a page may replace:
  // the binding is called as Playwright does, and taken from the page.
  const raw = "__playwright__binding__";
  const call = globalThis[raw];
  const isPlaywrights = config.passphrase !== undefined && typeof call === "function" && natives.deleteProperty(globalThis, raw);
  let calls = 0;
  const throughPlaywright = (text) => {
    const made = json({ __proto__: null, name: config.binding, seq: ++calls, serializedArgs: [text] });
    apply(call, globalThis, [config.passphrase + made]);
  };
  const push = isPlaywrights ? throughPlaywright : exposed;

  let frame = globalThis;
  let depth = 0;
  for (; frame !== frame.parent; frame = frame.parent) depth += 1;

  const GATHERING = 25; // milliseconds
  let queue = [];
  let sent = 0; // records of this document before those of the queue
  let flushing = false;
  let timer = false;
  let flushed = 0;
  const page = `${now()}.${Math.random()}`;
  const batch = () => json({ page, first: sent, signals: queue });
  const send = (text) => push(config.secret + text);
  const flush = () => {
    flushing = false;
    if (!queue.length) return;
    const text = batch();
    sent += queue.length;
    queue = [];
    flushed = now();
    send(text);
  };
  // Records that are `lazy` (the chunks of a stream) travel together: a call of the binding costs a round trip in some engines.
  const note = (record, lazy = false) => {
    append(queue, record);
    if (leaving) return keep();
    if (flushing) return;
    const rest = lazy ? GATHERING - (now() - flushed) : 0;
    if (rest <= 0) {
      flushing = true;
      natives.soon(flush);
    } else if (!timer) {
      timer = true;
      natives.later(() => {
        timer = false;
        if (!leaving) flush();
      }, rest);
    }
  };

  // What a page does while it is being left reaches nobody: the protocol has turned to the next page already. It is kept for that
  // one, under a name of ours that is taken away before the page's own code runs; or for this page, when it is shown again. A page
  // can read and change what is kept, so it is sealed; the numbers of its records show the suite what it has had already.
  let leaving = false;
  let storage = null;
  try {
    storage = globalThis.sessionStorage;
  } catch {
    // an opaque origin (about:blank, a sandboxed frame) has none
  }
  const proto = globalThis.Storage?.prototype;
  const [getItem, setItem, removeItem] = [method(proto, "getItem"), method(proto, "setItem"), method(proto, "removeItem")];
  const kept = `${config.name}.${depth}`;
  const code = method(String.prototype, "charCodeAt");
  const turn = (x, n) => (x << n) | (x >>> (32 - n));
  /** HalfSipHash-2-4 with a 64-bit tag (Aumasson and Bernstein), two characters a word. */
  const seal = (text) => {
    let v0 = config.seal[0];
    let v1 = config.seal[1] ^ 0xee;
    let v2 = 0x6c796765 ^ config.seal[0];
    let v3 = 0x74656462 ^ config.seal[1];
    const rounds = (n) => {
      for (let i = 0; i < n; i++) {
        v0 = (v0 + v1) | 0;
        v1 = turn(v1, 5) ^ v0;
        v0 = turn(v0, 16);
        v2 = (v2 + v3) | 0;
        v3 = turn(v3, 8) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = turn(v3, 7) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = turn(v1, 13) ^ v2;
        v2 = turn(v2, 16);
      }
    };
    const word = (m) => {
      v3 ^= m;
      rounds(2);
      v0 ^= m;
    };
    for (let i = 0; i + 1 < text.length; i += 2) word(code(text, i) | (code(text, i + 1) << 16));
    word(text.length % 2 ? code(text, text.length - 1) | 0x10000 : 0);
    word(text.length);
    v2 ^= 0xee;
    rounds(4);
    const left = (v1 ^ v3) >>> 0;
    v1 ^= 0xdd;
    rounds(4);
    return `${left}.${(v1 ^ v3) >>> 0} `;
  };
  const keep = () => {
    const text = batch();
    try {
      setItem(storage, kept, seal(text) + text);
    } catch {
      return; // no storage, or no room in it
    }
  };
  const takeKept = () => {
    let text = null;
    try {
      text = getItem(storage, kept);
      removeItem(storage, kept);
    } catch {
      return null;
    }
    const at = text === null ? -1 : natives.find(text, " ") + 1;
    const rest = at > 0 ? natives.slice(text, at) : "";
    if (at > 0 && seal(rest) + rest === text) return rest;
    if (text !== null) note({ k: "tampered", t: now() });
    return null;
  };

  listenHere("pagehide", (event) => (leaving ||= event.isTrusted), { __proto__: null, capture: true });
  listenHere(
    "pageshow",
    (event) => {
      if (!event.isTrusted) return;
      if (leaving) takeKept();
      leaving = false;
      flush();
    },
    { __proto__: null, capture: true },
  );

  const before = takeKept();
  if (before !== null) send(before);

  return {
    __proto__: null,
    /** Number of frames around this one. */
    depth,
    note,
    /** Report at once what was noted. */
    flush,
    /** Let the suite call functions of ours: `globalThis[name](secret, verb, ...args)`. Nobody else knows the secret. */
    answer: (verbs) =>
      natives.defineProperty(globalThis, config.name, {
        __proto__: null,
        value: (secret, verb, ...args) => (secret === config.secret ? apply(verbs[verb], undefined, args) : undefined),
      }),
  };
}
