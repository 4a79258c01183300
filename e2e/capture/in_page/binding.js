// Playwright's own binding ends its driver, and so the run, when a page calls it with anything but its JSON (1.64.1, in all browsers).
// Every page of the context gets this in its place, popups too. What begins with the passphrase is the suite's and goes through as it is.
(passphrase) => {
  "use strict";
  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { parse } = JSON;
  const { isArray } = Array;
  const { slice } = String.prototype;
  const binding = "__playwright__binding__";
  const own = getOwnPropertyDescriptor(globalThis, binding);
  if (own !== undefined && !own.configurable) return;
  let raw = own?.value; // Firefox gets it later, by an assignment
  /** Whether it is a call as Playwright makes it. */
  const isCall = (text) => {
    try {
      const call = parse(text);
      const field = (name) => getOwnPropertyDescriptor(call, name)?.value;
      return typeof field("name") === "string" && typeof field("seq") === "number" && isArray(field("serializedArgs"));
    } catch {
      return false;
    }
  };
  const safe = (text) => {
    if (typeof text !== "string") return;
    if (passphrase && apply(slice, text, [0, passphrase.length]) === passphrase) {
      apply(raw, globalThis, [apply(slice, text, [passphrase.length])]);
    } else if (text.length < 1e7 && isCall(text)) apply(raw, globalThis, [text]);
  };
  defineProperty(globalThis, binding, {
    __proto__: null,
    configurable: true,
    get: () => (typeof raw === "function" ? safe : undefined),
    set: (given) => {
      raw ??= given;
    },
  });
}
