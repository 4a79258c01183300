"use strict";
// Waits until the page is there, then replaces, freezes and pollutes: what the suite took before must be what it uses.
// `Hostile.late` tells whether it has come to that.
addEventListener("load", () => {
  const native = fetch;
  globalThis.fetch = (...args) => native(...args); // late: whatever wrapped it before is wrapped again
  const { addEventListener: listen } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (...args) {
    return Reflect.apply(listen, this, args);
  };
  // What a table of the suite must not inherit: fields of its records, traps of its proxies, attributes of its properties.
  // Not "e": Playwright's own code in the page takes any object for an error then.
  for (const name of ["k", "t", "id", "text", "bytes", "later", "lost", "pending", "stored", "stack", "deleteProperty", "ownKeys", "apply", "construct", "of", "url"]) {
    Object.defineProperty(Object.prototype, name, {
      configurable: true,
      get: () => "forged",
      set() {
        throw new TypeError("not here");
      },
    });
  }
  for (const name of ["push", "unshift", "splice", "forEach"]) {
    const own = Array.prototype[name];
    Array.prototype[name] = function (...args) {
      return own.apply(this, args);
    };
  }
  globalThis.Proxy = class {
    constructor() {
      throw new TypeError("no proxies");
    }
  };
  globalThis.WeakMap = globalThis.WeakRef = undefined;
  for (const kind of [Array, Map, Set, Promise, Storage, Event, EventTarget, Element, Response, Headers, XMLHttpRequest, WebSocket, URL]) {
    Object.freeze(kind.prototype);
    Object.freeze(kind);
  }
  for (const name of ["apply", "get", "set", "ownKeys", "defineProperty"]) Reflect[name] = () => undefined;
  for (let n = 0; n < 4; n++) sessionStorage.setItem(`large ${n}`, "x".repeat(1 << 19));
  globalThis.Hostile = { ...globalThis.Hostile, late: true };
});
