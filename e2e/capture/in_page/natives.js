// The browser's own functions, taken before the page's code runs. A page may replace or freeze any of them later, or add to
// Object.prototype: the other scripts here call nothing else, and no method, iterator or setter that a page can reach.
() => {
  "use strict";
  const { apply, construct, defineProperty, deleteProperty, get, getOwnPropertyDescriptor, ownKeys, set } = Reflect;
  const { stringify, parse } = JSON;
  const { isArray } = Array;
  const { getPrototypeOf } = Object;
  const { iterator } = Symbol;
  const { Error, Map, Number, Promise, String, URL, WeakMap, WeakRef, performance, queueMicrotask, setTimeout } = globalThis;

  /** A prototype's method as a function: `method(proto, name)(self, ...args)`; throws only when called where there is none. */
  const method = (proto, name) => {
    const own = proto === undefined ? undefined : getOwnPropertyDescriptor(proto, name)?.value;
    return (self, ...args) => apply(own, self, args);
  };
  /** A prototype's attribute as a function: `getter(proto, name)(self)`. */
  const getter = (proto, name) => {
    const own = proto === undefined ? undefined : getOwnPropertyDescriptor(proto, name)?.get;
    return (self) => apply(own, self, []);
  };
  /** Whether a value is of a kind: one on which `look` (see `getter`) does not throw. `instanceof` asks what a page can replace. */
  const brand = (look) => (value) => {
    if (typeof value !== "object" || value === null) return false;
    try {
      look(value);
      return true;
    } catch {
      return false;
    }
  };
  const hasOwn = method(Object.prototype, "hasOwnProperty");
  const indexOf = method(Array.prototype, "indexOf");
  const find = method(String.prototype, "indexOf");
  const slice = method(String.prototype, "slice");
  const trim = method(String.prototype, "trim");
  const clock = method(globalThis.Performance.prototype, "now");
  const origin = getter(globalThis.Performance.prototype, "timeOrigin")(performance);
  const listen = method(globalThis.EventTarget.prototype, "addEventListener");

  /** The same for the window; `relisten` does it again, where a page has written its document anew: that takes all of them away. */
  const listened = [];
  const listenHere = (type, call, options) => {
    append(listened, { __proto__: null, type, call, options });
    listen(globalThis, type, call, options);
  };
  const relisten = () => {
    for (let i = 0; i < listened.length; i++) listen(globalThis, listened[i].type, listened[i].call, listened[i].options);
  };

  /** `list.push(value)`, whatever a page has put on Array.prototype. */
  const append = (list, value) => {
    defineProperty(list, list.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  };
  /** A list for a function of the browser that asks for an iterator: that of an array is the page's. */
  const sequence = (items) => ({
    __proto__: null,
    [iterator]: () => {
      let at = 0;
      return {
        __proto__: null,
        next: () => (at < items.length ? { __proto__: null, done: false, value: items[at++] } : { __proto__: null, done: true, value: undefined }),
      };
    },
  });
  /** An object that inherits nothing. */
  const bare = () => ({ __proto__: null });

  /** JSON without toJSON, which a page may add to any prototype. */
  const json = (value) => {
    if (typeof value === "string") return stringify(value);
    if (typeof value === "boolean") return value ? "true" : "false";
    if (typeof value === "number") return value - value === 0 ? `${value}` : "null";
    if (typeof value !== "object" || value === null) return "null";
    let text = "";
    if (isArray(value)) {
      for (let i = 0; i < value.length; i++) text += (i ? "," : "") + json(value[i]);
      return `[${text}]`;
    }
    const names = ownKeys(value);
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (typeof name !== "string" || value[name] === undefined) continue;
      text += `${text ? "," : ""}${stringify(name)}:${json(value[name])}`;
    }
    return `{${text}}`;
  };

  /** A table whose own getters have run, once, as the browser runs them: a page may count their calls. Any other is as it is. */
  const settled = (table) => {
    if (typeof table !== "object" || table === null) return table;
    const names = ownKeys(table);
    const made = { __proto__: getPrototypeOf(table) };
    let computed = false;
    for (let i = 0; i < names.length; i++) {
      const field = getOwnPropertyDescriptor(table, names[i]);
      if (field === undefined) continue;
      computed ||= field.get !== undefined;
      const value = field.get === undefined ? field.value : apply(field.get, table, []);
      defineProperty(made, names[i], { __proto__: null, value, writable: true, enumerable: field.enumerable, configurable: true });
    }
    return computed ? made : table;
  };

  /** The parts of `text` between `mark`s. */
  const split = (text, mark) => {
    const parts = [];
    let from = 0;
    for (let at = find(text, mark, 0); at >= 0; at = find(text, mark, from)) {
      append(parts, slice(text, from, at));
      from = at + mark.length;
    }
    append(parts, slice(text, from));
    return parts;
  };

  /** The stack of the caller as V8 or Gecko writes it; "" where the page left none. A page's own format of stacks is passed by. */
  const stack = () => {
    const held = bare();
    const put = (name, value) => {
      held[name] = getOwnPropertyDescriptor(Error, name);
      try {
        defineProperty(Error, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
      } catch {
        return; // frozen: the page's own limit holds
      }
    };
    const restore = (name) => {
      try {
        if (held[name]) defineProperty(Error, name, held[name]);
        else deleteProperty(Error, name);
      } catch {
        return;
      }
    };
    let text = "";
    put("stackTraceLimit", 12);
    put("prepareStackTrace", undefined);
    try {
      text = new Error().stack;
    } catch {
      text = "";
    }
    restore("prepareStackTrace");
    restore("stackTraceLimit");
    return typeof text === "string" ? text : "";
  };

  return {
    __proto__: null,
    apply,
    construct,
    defineProperty,
    deleteProperty,
    get,
    set,
    ownKeys,
    descriptor: getOwnPropertyDescriptor,
    isArray,
    hasOwn,
    method,
    getter,
    append,
    bare,
    brand,
    getPrototypeOf,
    sequence,
    settled,
    indexOf,
    find,
    slice,
    trim,
    split,
    json,
    parse,
    stack,
    listen,
    listenHere,
    relisten,
    String,
    Number,
    Map,
    Promise,
    URL,
    WeakMap,
    WeakRef,
    /** Milliseconds since the epoch, by the monotonic clock. */
    now: () => origin + clock(performance),
    /** The same for the time stamp of an event. */
    since: (timeStamp) => origin + timeStamp,
    soon: (call) => apply(queueMicrotask, globalThis, [call]),
    later: (call, milliseconds) => apply(setTimeout, globalThis, [call, milliseconds]),
  };
}
