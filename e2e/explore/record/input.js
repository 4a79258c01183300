// Reports what the user does: clicks, keys that do something, and the text field that was used. Runs in every frame, before the
// page's own code; listeners capture on `window`, so that a locator is made before the page reacts and an element disappears.
({ binding, host }) => {
  if (globalThis[Symbol.for("e2e.input")]) return;
  globalThis[Symbol.for("e2e.input")] = true;
  const INTERACTIVE =
    "button, a[href], summary, label, select, input, textarea, [role=button], [role=link], [role=menuitem], [role=tab], [role=option], " +
    "[role=switch], [role=checkbox], [role=treeitem], [onclick], [contenteditable=true]";
  const HOVERED_MS = 80; // a pointer that only passes over an element does not open its menu
  const CLEARED_MS = 6000;
  let count = 0;
  let box = null;
  let typed = false;
  let pressedAt = 0;
  const selectors = new WeakMap();
  const hovered = [];

  const report = (data) => {
    try {
      globalThis[binding]({ ...data, t: Date.now() });
    } catch {
      /* the page is being closed */
    }
  };
  const path = (event) => event.composedPath().filter((one) => one instanceof Element);
  const ours = (event) => path(event).some((el) => el.hasAttribute(host));
  const visible = (el) => {
    const r = el.getBoundingClientRect();
    return r.width > 2 && r.height > 2;
  };
  const css = (el) => {
    const stable = (name) => name && name.length < 40 && /^[a-zA-Z][\w-]*$/.test(name) && !/\d{3,}|--|^(css|sc|radix|headlessui|mui)-/.test(name);
    const root = el.getRootNode();
    const only = (sel) => {
      try {
        return root.querySelectorAll(sel).length === 1;
      } catch {
        return false;
      }
    };
    const tag = el.tagName.toLowerCase();
    if (stable(el.id) && only(`#${CSS.escape(el.id)}`)) return `#${CSS.escape(el.id)}`;
    for (const attribute of ["name", "data-action", "data-role", "title", "aria-label"]) {
      const value = el.getAttribute(attribute);
      const sel = `${tag}[${attribute}=${JSON.stringify(value)}]`;
      if (value && only(sel)) return sel;
    }
    for (const name of el.classList) if (stable(name) && only(`${tag}.${CSS.escape(name)}`)) return `${tag}.${CSS.escape(name)}`;
    const parts = [];
    for (let at = el; at && at !== root && parts.length < 8; at = at.parentElement) {
      if (at !== el && stable(at.id)) {
        parts.unshift(`#${CSS.escape(at.id)}`);
        break;
      }
      const same = at.parentElement ? [...at.parentElement.children].filter((one) => one.tagName === at.tagName) : [at];
      parts.unshift(at.tagName.toLowerCase() + (same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : ""));
      if (only(parts.join(" > "))) break;
    }
    return parts.join(" > ");
  };
  // Playwright's own selector engine, which it installs as its console API; without it the CSS alone.
  const describe = (el) => {
    let selector = "";
    try {
      selector = globalThis.playwright?.selector(el) ?? "";
    } catch {
      /* it is not there yet */
    }
    const name = (el.getAttribute("aria-label") || el.getAttribute("title") || el.innerText || "").trim().slice(0, 60);
    return {
      selector, css: css(el), tag: el.tagName.toLowerCase(), label: name,
      dialog: !!el.closest("dialog[open], [role=dialog], [role=alertdialog], [aria-modal=true]"),
      consent: !!el.closest("[class*=cookie i], [id*=cookie i], [class*=consent i], [id*=consent i], [class*=banner i]"),
    };
  };
  const field = (el) => {
    if (!el) return null;
    if (el.tagName === "TEXTAREA") return el;
    if (el.tagName === "INPUT") return /^(text|search|email|tel|url|number|)$/.test(el.type) ? el : null;
    let at = el.isContentEditable ? el : null;
    while (at?.parentElement?.isContentEditable) at = at.parentElement;
    return at;
  };
  const value = (el) => String((el.isContentEditable ? el.innerText : el.value) ?? "").trim();
  const used = (el) => {
    // The field of a page that has just loaded may have the focus before the selector engine is there.
    if (!selectors.get(el)?.selector) selectors.set(el, describe(el));
    return el;
  };
  const interactive = (event) => {
    for (const el of path(event)) {
      if (el.matches(INTERACTIVE)) return el;
      const above = el.parentElement;
      if (getComputedStyle(el).cursor === "pointer" && (!above || getComputedStyle(above).cursor !== "pointer")) return el;
    }
    return null;
  };
  const state = () => (box ? { ...selectors.get(box), value: value(box), connected: box.isConnected } : null);
  const act = (data) => {
    const number = ++count;
    const now = state();
    report({ k: "act", number, box: now, hovered: hovered.slice(-3), ...data });
    if (!now?.value) return;
    const watched = box;
    const started = performance.now();
    const look = () => {
      if (!watched.isConnected || !visible(watched) || value(watched) !== now.value) report({ k: "cleared", number, empty: !watched.isConnected || !value(watched) });
      else if (performance.now() - started < CLEARED_MS) setTimeout(look, 40);
    };
    setTimeout(look, 0);
  };

  addEventListener("focusin", (event) => {
    const el = field(path(event)[0]);
    if (!el || ours(event)) return;
    if (!value(el)) used(el); // a name made from what is typed would find nothing in the next chat
  }, true);
  addEventListener("input", (event) => {
    const first = path(event)[0];
    if (!event.isTrusted || ours(event)) return;
    if (first?.type === "password") {
      report({ k: "password" });
      return;
    }
    const el = field(first);
    if (!el) return;
    box = used(el);
    const has = !!value(el);
    if (has && !typed) report({ k: "typing" });
    typed = has;
  }, true);
  addEventListener("keydown", (event) => {
    if (!event.isTrusted || event.isComposing || ours(event) || ["Shift", "Control", "Alt", "Meta", "AltGraph"].includes(event.key)) return;
    const target = path(event)[0];
    const el = field(target);
    const modifiers = [event.ctrlKey && "Control", event.altKey && "Alt", event.shiftKey && event.key.length > 1 && "Shift", event.metaKey && "Meta"].filter(Boolean);
    const command = event.ctrlKey || event.altKey || event.metaKey;
    if (el && event.key === "Enter") {
      if (event.shiftKey && !command) return; // a line break
      box = used(el);
      act({ kind: "key", key: [...modifiers, "Enter"].join("+") });
    } else if (command && !(event.ctrlKey !== event.metaKey && /^[acvxz]$/i.test(event.key))) {
      if (event.shiftKey && event.key.length === 1) modifiers.push("Shift");
      act({ kind: "key", key: [...modifiers, event.key.length === 1 ? event.key.toUpperCase() : event.key].join("+") });
    } else if (/^(Escape|F\d+)$/.test(event.key)) {
      act({ kind: "key", key: event.key });
    }
  }, true);
  addEventListener("pointerdown", (event) => {
    if (!event.isTrusted || event.button !== 0 || ours(event)) return;
    pressedAt = performance.now();
    const el = interactive(event);
    if (!el) return;
    if (field(el)) {
      if (!value(el)) used(el);
      return;
    }
    act({ kind: "click", ...describe(el) });
  }, true);
  addEventListener("click", (event) => {
    // A click without a pointer is one of the keyboard. The second one of a label goes to its field.
    if (!event.isTrusted || event.detail !== 0 || ours(event) || performance.now() - pressedAt < 600) return;
    const el = interactive(event);
    if (el && !field(el)) act({ kind: "click", ...describe(el) });
  }, true);
  let over = null;
  addEventListener("pointerover", (event) => {
    if (!event.isTrusted || ours(event)) return;
    const el = interactive(event);
    if (el === over) return;
    over = el;
    if (el && !field(el)) {
      setTimeout(() => {
        if (over !== el || !el.isConnected) return;
        hovered.push(describe(el));
        if (hovered.length > 6) hovered.shift();
      }, HOVERED_MS);
    }
  }, true);
}
