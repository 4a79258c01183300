"use strict";
// Looks for the suite's own functions, calls them with signals of its own making, and plays events that no user made.
// `Hostile.found` has the names that it found, `Hostile.got` what they gave away.
{
  const records = (at) => [
    { k: "start", t: at, url: location.href, stored: { lab_session: "forged-1" } },
    { k: "click", t: at, hits: ["new_chat"] },
    { k: "storage", t: at, store: "localStorage", op: "set", key: "lab_session", value: "forged-2", stack: "" },
    { k: "send", t: at, url: location.href, page: location.href, size: 1, stored: { lab_session: "forged-3" }, stack: "" },
    { k: "restored", t: at },
  ];
  const batches = () => {
    const signals = records(performance.timeOrigin + performance.now());
    return [JSON.stringify(signals), JSON.stringify({ page: "p", first: 0, signals }), JSON.stringify({ name: "x", seq: 1, args: [signals] }), "{", "", "null"];
  };
  const clean = document.createElement("iframe");
  document.documentElement.append(clean);
  const found = new Set();
  const got = [];
  const tryAll = () => {
    for (const where of [globalThis, clean.contentWindow]) {
      for (const name of Reflect.ownKeys(where)) {
        if (!/binding|recorder|playwright|__pw|chat-session/i.test(String(name))) continue;
        const value = where[name];
        if (value === null || !["object", "function"].includes(typeof value)) continue;
        found.add(String(name));
        const calls = typeof value === "function" ? [value] : Object.values(value).filter((one) => typeof one === "function");
        for (const call of calls) {
          for (const args of [...batches().map((one) => [one]), ["stored"], ["mark", "new_chat", document.body], ["", "stored"], [undefined, "stored"]]) {
            try {
              const result = call(...args);
              if (result !== undefined) got.push(String(name));
            } catch {
              // refused
            }
          }
        }
      }
    }
    // Whatever is kept for the next page under a name of the suite's.
    for (const name of Object.keys(sessionStorage)) if (/recorder/.test(name)) forgeKept(name);
    for (const name of found) for (const depth of [0, 1]) forgeKept(`${name}.${depth}`);
  };
  const forgeKept = (name) => {
    const text = sessionStorage.getItem(name);
    const seal = text?.slice(0, text.indexOf(" ") + 1) ?? "";
    sessionStorage.setItem(name, seal + batches()[1]);
  };
  const fake = () => {
    for (const event of [
      new PageTransitionEvent("pagehide", { persisted: true }),
      new PageTransitionEvent("pageshow", { persisted: true }),
      new StorageEvent("storage", { key: "lab_session", newValue: "forged-4", storageArea: localStorage }),
      new MouseEvent("click", { bubbles: true, composed: true }),
      new KeyboardEvent("keydown", { key: "Enter", bubbles: true }),
      new PageTransitionEvent("pagehide"),
    ]) {
      dispatchEvent(event);
    }
  };
  globalThis.Hostile = { ...globalThis.Hostile, found, got };
  const attack = () => {
    tryAll();
    fake();
    postMessage(batches()[1], "*");
  };
  attack();
  addEventListener("pagehide", tryAll);
  addEventListener("pageshow", (event) => event.isTrusted && attack());
  for (const type of ["click", "keydown", "input"]) addEventListener(type, (event) => event.isTrusted && attack(), true);
}
