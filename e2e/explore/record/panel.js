// The panel that says what to do next. In a closed shadow root: no text of the page, nothing that a search of the page finds. Styles
// are set by script, which a Content-Security-Policy allows. Only its bar and buttons take the pointer, so it covers nothing.
({ binding, host, key }) => {
  if (globalThis !== globalThis.top || globalThis[Symbol.for(key)]) return;
  const style = (el, styles) => Object.assign(el.style, styles);
  const make = (tag, styles, text) => {
    const el = document.createElement(tag);
    if (text) el.textContent = text;
    return style(el, styles), el;
  };
  const outer = document.createElement("div");
  outer.setAttribute(host, "");
  outer.setAttribute("aria-hidden", "true");
  outer.setAttribute("popover", "manual"); // the top layer: above everything but a dialog that is opened later
  style(outer, {
    position: "fixed", inset: "auto", left: "0", top: "0", width: "0", height: "0", margin: "0", padding: "0", border: "0", overflow: "visible",
    background: "none", pointerEvents: "none", zIndex: "2147483647", display: "block",
  });
  const root = outer.attachShadow({ mode: "closed" });
  const panel = make("div", {
    position: "fixed", left: "50%", top: "8px", width: "320px", marginLeft: "-160px", font: "14px/1.4 system-ui, sans-serif", color: "#fff",
    background: "rgba(24, 28, 40, 0.92)", borderRadius: "8px", boxShadow: "0 4px 16px rgba(0,0,0,.4)", pointerEvents: "none", textAlign: "left",
  });
  const bar = make("div", {
    display: "flex", justifyContent: "space-between", padding: "4px 10px", cursor: "move", pointerEvents: "auto", opacity: ".8",
    fontSize: "12px", userSelect: "none", touchAction: "none",
  });
  const progress = make("span", {}, "");
  const fold = make("span", { cursor: "pointer", padding: "0 6px" }, "–");
  bar.append(make("span", {}, "Recording"), progress, fold);
  const body = make("div", { padding: "2px 10px 10px" });
  const step = make("div", { fontWeight: "600", fontSize: "15px" });
  const hint = make("div", { opacity: ".85", overflowWrap: "anywhere" });
  const buttons = make("div", { display: "flex", gap: "6px", marginTop: "6px", flexWrap: "wrap" });
  body.append(step, hint, buttons);
  panel.append(bar, body);
  root.append(panel);

  // Until the user moves it, the panel stands where nothing of the page that can be used is below its bar and buttons.
  const USABLE = "button, a[href], input, textarea, select, summary, label, iframe, [role], [onclick], [contenteditable=true], [tabindex]";
  const PLACES = [
    { left: "50%", top: "8px", marginLeft: "-160px" }, { left: "calc(100vw - 328px)", top: "calc(100vh - 190px)", marginLeft: "0" },
    { left: "8px", top: "calc(100vh - 190px)", marginLeft: "0" }, { left: "8px", top: "8px", marginLeft: "0" },
    { left: "calc(100vw - 328px)", top: "8px", marginLeft: "0" }, { left: "calc(100vw - 328px)", top: "40vh", marginLeft: "0" },
    { left: "8px", top: "40vh", marginLeft: "0" },
  ];
  const LOOK_MS = 400;
  let moved = false;
  const covers = () => {
    let found = 0;
    for (const el of [bar, ...buttons.children]) {
      const r = el.getBoundingClientRect();
      for (const x of [r.left + 4, r.left + r.width / 4, r.left + r.width / 2, r.left + (3 * r.width) / 4, r.right - 4]) {
        const under = document.elementsFromPoint(x, r.top + r.height / 2).find((one) => one !== outer);
        const used = under?.closest(USABLE) ?? (under && getComputedStyle(under).cursor === "pointer" ? under : null);
        if (used) found++;
      }
    }
    return found;
  };
  const place = () => {
    if (moved || !outer.isConnected || !covers()) return;
    const rated = PLACES.map((at, n) => (style(panel, at), [covers(), n]));
    rated.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    style(panel, PLACES[rated[0][1]]);
  };
  setInterval(place, LOOK_MS);

  let dragged = null;
  bar.addEventListener("pointerdown", (event) => {
    if (event.target === fold) return;
    const r = panel.getBoundingClientRect();
    dragged = [event.clientX - r.left, event.clientY - r.top];
    bar.setPointerCapture(event.pointerId);
  });
  bar.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    moved = true;
    style(panel, { marginLeft: "0", left: `${event.clientX - dragged[0]}px`, top: `${event.clientY - dragged[1]}px` });
  });
  bar.addEventListener("pointerup", () => (dragged = null));
  fold.addEventListener("click", () => style(body, { display: body.style.display === "none" ? "block" : "none" }));

  const attach = () => {
    if (!document.documentElement) return;
    if (!outer.isConnected) document.documentElement.append(outer);
    try {
      if (!outer.matches(":popover-open")) outer.showPopover();
    } catch {
      /* a browser without popovers shows it in the page's own layer */
    }
  };
  const show = (state) => {
    attach();
    step.textContent = state.step;
    hint.textContent = state.hint;
    progress.textContent = state.progress;
    buttons.replaceChildren(
      ...state.buttons.map(([name, text]) => {
        const button = make("button", {
          font: "inherit", fontSize: "13px", color: "#fff", background: "#3b66d6", border: "0", borderRadius: "5px", padding: "4px 8px",
          cursor: "pointer", pointerEvents: "auto",
        }, text);
        button.addEventListener("click", (event) => event.isTrusted && globalThis[binding]({ k: "button", name, t: Date.now() }));
        return button;
      }),
    );
    place();
  };
  Object.defineProperty(globalThis, Symbol.for(key), { value: { show, text: () => `${step.textContent}\n${hint.textContent}` } });
  const ready = () => globalThis[binding]({ k: "loaded", t: Date.now() });
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", ready, { once: true });
  else ready();
}
