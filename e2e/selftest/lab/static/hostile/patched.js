"use strict";
// Replaces the browser's functions: they serve the page's own scripts as ever, and lie to those of the suite, which the stack names.
// `Hostile.called` has the names of those that the suite called.
{
  const { apply, ownKeys } = Reflect;
  const NativeError = Error;
  const has = String.prototype.includes;
  const called = new Set();
  const add = Set.prototype.add;
  const { split } = String.prototype;
  /** The suite is the caller; `through`: also by what it returned to the page, such as a method of localStorage. */
  const foreign = (through) => {
    const { stackTraceLimit, prepareStackTrace } = NativeError;
    NativeError.stackTraceLimit = 50;
    NativeError.prepareStackTrace = undefined;
    const stack = new NativeError().stack;
    NativeError.stackTraceLimit = stackTraceLimit;
    NativeError.prepareStackTrace = prepareStackTrace;
    const lines = apply(split, stack, ["\n"]);
    let n = 1;
    while (n < lines.length && apply(has, lines[n], ["/hostile/patched.js"])) n += 1;
    const ours = n < lines.length && apply(has, lines[n], ["chat-session-e2e"]);
    return ours && !(through && apply(has, stack, ["/static/lab.js"]));
  };
  const lies = (owner, name, lie) => {
    if (!owner) return;
    const place = Object.getOwnPropertyDescriptor(owner, name);
    const of = place?.value ?? place?.get;
    if (typeof of !== "function") return;
    const replaced = function (...args) {
      if (new.target) return Reflect.construct(of, args, new.target);
      if (foreign(owner === Storage.prototype)) {
        apply(add, called, [String(name)]);
        return lie(args);
      }
      return apply(of, this, args);
    };
    if (of.prototype) replaced.prototype = of.prototype;
    for (const key of ownKeys(of)) if (!(key in replaced)) Object.defineProperty(replaced, key, Object.getOwnPropertyDescriptor(of, key));
    Object.defineProperty(owner, name, "value" in place ? { ...place, value: replaced } : { ...place, get: replaced });
  };
  const refuse = () => {
    throw new TypeError("not for you");
  };
  const forged = '[{"k":"storage","t":1,"store":"localStorage","op":"set","key":"lab_session","value":"forged","stack":""}]';

  lies(JSON, "stringify", () => forged);
  lies(JSON, "parse", () => ({}));
  for (const name of ["getItem", "key", "setItem", "removeItem", "clear"]) lies(Storage.prototype, name, () => "forged");
  lies(Storage.prototype, "length", () => 0);
  for (const name of ["indexOf", "push", "splice", "unshift"]) lies(Array.prototype, name, () => 0);
  for (const name of ["includes", "some", "every"]) lies(Array.prototype, name, () => true);
  for (const name of ["map", "filter", "sort", "join", "find"]) lies(Array.prototype, name, refuse);
  for (const name of ["split", "slice", "indexOf", "includes", "trim", "replace", "charCodeAt"]) lies(String.prototype, name, () => "forged");
  for (const name of ["test", "exec"]) lies(RegExp.prototype, name, () => null);
  for (const name of ["keys", "entries", "fromEntries", "assign", "defineProperty", "freeze"]) lies(Object, name, () => []);
  if (globalThis.Hostile?.wire) {
    for (const kind of [Array, Map, Set]) lies(kind.prototype, Symbol.iterator, refuse);
    for (const name of ["clone", "arrayBuffer", "body", "headers", "status", "url", "type"]) lies(Response.prototype, name, () => null);
    for (const name of ["url", "method", "headers", "body", "clone"]) lies(Request.prototype, name, () => null);
    for (const name of ["forEach", "get"]) lies(Headers.prototype, name, () => null);
    for (const name of ["getReader", "locked"]) lies(ReadableStream.prototype, name, () => null);
    for (const name of ["read", "cancel"]) lies(ReadableStreamDefaultReader.prototype, name, refuse);
    for (const name of ["responseText", "response", "status", "responseURL", "getAllResponseHeaders"]) lies(XMLHttpRequest.prototype, name, () => "");
    for (const name of ["url", "readyState"]) for (const kind of [WebSocket, EventSource]) lies(kind.prototype, name, () => 3);
    for (const name of ["href", "origin", "protocol"]) lies(URL.prototype, name, () => "forged:");
    lies(MessageEvent.prototype, "data", () => "forged");
    lies(TextEncoder.prototype, "encode", () => new Uint8Array());
    lies(Blob.prototype, "arrayBuffer", refuse);
    lies(Performance.prototype, "getEntriesByName", () => []);
    lies(Node.prototype, "baseURI", () => "http://forged.example/");
    for (const name of ["length", "buffer", "byteOffset", "byteLength"]) lies(Object.getPrototypeOf(Uint8Array.prototype), name, () => 0);
    lies(globalThis, "btoa", () => "Zm9yZ2Vk");
    lies(String, "fromCharCode", () => "f");
  }
  for (const name of ["apply", "get", "set", "ownKeys", "construct"]) lies(Reflect, name, refuse);
  for (const name of ["call", "apply", "bind"]) lies(Function.prototype, name, refuse);
  for (const name of ["get", "set", "has"]) for (const kind of [Map, WeakMap]) lies(kind.prototype, name, () => undefined);
  lies(WeakRef.prototype, "deref", () => undefined);
  lies(Promise.prototype, "then", refuse);
  lies(Promise, "resolve", refuse);
  lies(globalThis, "queueMicrotask", () => undefined);
  lies(globalThis, "String", () => "forged");
  lies(globalThis, "Number", () => NaN);
  lies(globalThis, "URL", refuse);
  lies(Date, "now", () => 0);
  lies(Performance.prototype, "now", () => 0);
  lies(Performance.prototype, "timeOrigin", () => 0);
  lies(Math, "random", () => 0);
  lies(EventTarget.prototype, "addEventListener", () => undefined);
  lies(Event.prototype, "composedPath", () => []);
  lies(Event.prototype, "timeStamp", () => 0);
  lies(KeyboardEvent.prototype, "key", () => "Escape");
  lies(Element.prototype, "getBoundingClientRect", () => ({ left: 0, top: 0, width: 0, height: 0 }));
  lies(Element.prototype, "getAttribute", () => "true");
  lies(HTMLElement.prototype, "innerText", () => "forged");
  lies(HTMLTextAreaElement.prototype, "value", () => "forged");
  lies(Node.prototype, "contains", () => false);
  lies(Node.prototype, "isConnected", () => false);
  for (const kind of [Document.prototype, ShadowRoot.prototype]) {
    for (const name of ["elementFromPoint", "querySelectorAll", "activeElement"]) lies(kind, name, () => null);
  }
  lies(Document.prototype, "cookie", () => "lab_session=forged");

  // What old libraries left behind, and what a serializer must not look at.
  for (const proto of [Object.prototype, Array.prototype, String.prototype]) {
    Object.defineProperty(proto, "toJSON", {
      configurable: true,
      get: () => (foreign() ? () => forged : undefined),
    });
  }
  Error.stackTraceLimit = 0;
  Error.prepareStackTrace = (error) => (foreign() ? { forged: true } : String(error));
  globalThis.Error = class Error extends NativeError {};
  globalThis.Promise = class Promise extends globalThis.Promise {};
  globalThis.Hostile = { ...globalThis.Hostile, called };
}
