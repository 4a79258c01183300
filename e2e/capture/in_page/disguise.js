// A function of ours that stands for one of the browser's looks like it: it has its name, its length, its properties, its errors and
// its text. `known` is what another frame of the page hides: frames of one origin look at each other's functions.
(known) => {
  "use strict";
  const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const hidden = known ?? new WeakMap();
  const [get, put] = [WeakMap.prototype.get, WeakMap.prototype.set];
  /** What stands behind something of ours; anything else is itself. */
  const behind = (thing) => apply(get, hidden, [thing]) ?? thing;
  const hide = (thing, native) => void apply(put, hidden, [thing, behind(native)]);
  /** A function that looks like `native`; `traps` are `apply` and `construct`. */
  const stand = (native, traps) => {
    // A page may add traps to Object.prototype.
    const proxy = new Proxy(native, { __proto__: null, apply: traps.apply, construct: traps.construct });
    hide(proxy, native);
    return proxy;
  };
  const own = getOwnPropertyDescriptor(Function.prototype, "toString");
  const value = stand(own.value, { apply: (native, self, args) => apply(native, behind(self), args) });
  defineProperty(Function.prototype, "toString", { __proto__: null, ...own, value });
  return { __proto__: null, hidden, behind, hide, stand };
}
