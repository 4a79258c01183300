// Keeps the browser's protocol free for the chat: each line of the console and each uncaught error is a message to the suite,
// which reads some thousands in a second, and a page can make a hundred thousand. What is beyond the limit is not reported.
(natives) => {
  "use strict";
  const { defineProperty, descriptor, listenHere, method, now, ownKeys } = natives;
  const MOST = 300; // per second, of lines and of errors
  const counter = () => {
    let since = 0;
    let count = 0;
    return () => {
      const t = now();
      if (t - since >= 1000 || t < since) {
        since = t;
        count = 0;
      }
      return ++count > MOST;
    };
  };

  const { console, Proxy } = globalThis;
  const full = counter();
  const names = console ? ownKeys(console) : [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const old = descriptor(console, name);
    if (typeof old?.value !== "function" || !old.configurable) continue;
    let held = old.value;
    const silent = new Proxy(held, { __proto__: null, apply: () => undefined });
    // The function itself is handed out, so that a line in a trace names the page's own code and not this script.
    defineProperty(console, name, {
      __proto__: null,
      configurable: true,
      enumerable: old.enumerable,
      get: () => (held === old.value && full() ? silent : held),
      set: (value) => {
        held = value;
      },
    });
  }

  const many = counter();
  const prevent = method(globalThis.Event.prototype, "preventDefault");
  const pass = (event) => {
    if (many()) prevent(event);
  };
  listenHere("error", pass);
  listenHere("unhandledrejection", pass);
}
