"use strict";
// Freezes what can be frozen: the prototypes, the constructors, and the members of the window.
for (const name of Object.getOwnPropertyNames(globalThis)) {
  const place = Object.getOwnPropertyDescriptor(globalThis, name);
  if (typeof place.value === "function" && place.value !== globalThis) {
    if (place.value.prototype) Object.freeze(place.value.prototype);
    Object.freeze(place.value);
  }
  if (!["Lab", "Hostile"].includes(name) && place.configurable) {
    Object.defineProperty(globalThis, name, "value" in place ? { ...place, writable: false, configurable: false } : { ...place, configurable: false });
  }
}
for (const name of ["JSON", "Math", "Reflect", "Intl", "console"]) Object.freeze(globalThis[name]);
