// Elements that take text or clicks, with their properties. Each gets a mark, so that a locator can find it again.
() => {
  const seen = [];
  const visible = (el) => {
    const box = el.getBoundingClientRect();
    const style = getComputedStyle(el);
    if (box.width <= 3 || box.height <= 3 || style.visibility === "hidden" || style.display === "none" || +style.opacity <= 0.05) return false;
    if (box.right <= 0 || box.left >= innerWidth) return false;
    for (let at = el.parentElement ?? el.getRootNode().host; at; at = at.parentElement ?? at.getRootNode().host) {
      if (+getComputedStyle(at).opacity <= 0.05) return false;
    }
    return true;
  };
  const walk = function* (root) {
    for (const el of root.querySelectorAll("*")) {
      yield el;
      if (el.shadowRoot) yield* walk(el.shadowRoot);
    }
  };
  const labelOf = (el) => {
    const by = el.getAttribute("aria-labelledby");
    const named = by ? by.split(/\s+/).map((id) => el.getRootNode().getElementById?.(id)?.innerText ?? "").join(" ") : "";
    const drawn = [...el.querySelectorAll("svg > title, svg[aria-label], img[alt], [data-icon], use")].slice(0, 4).map((part) =>
      part.tagName === "title" ? part.textContent
        : part.getAttribute("aria-label") ?? part.getAttribute("alt") ?? part.getAttribute("data-icon") ?? part.getAttribute("href")?.replace(/^.*#/, ""));
    const hints = ["data-tooltip", "data-tip", "data-tooltip-content", "data-original-title", "data-bs-original-title", "data-title", "data-balloon", "tooltip"];
    return [el.getAttribute("aria-label"), named, el.labels?.[0]?.innerText, el.getAttribute("placeholder"), el.getAttribute("data-placeholder"),
      el.getAttribute("aria-placeholder"), el.getAttribute("title"), el.getAttribute("alt"), ...hints.map((name) => el.getAttribute(name)), ...drawn]
      .filter(Boolean).join(" | ").trim();
  };
  const floats = (el) => {
    for (let at = el; at; at = at.parentElement ?? at.getRootNode().host) if (/fixed|sticky/.test(getComputedStyle(at).position)) return true;
    return false;
  };
  const css = (el) => {
    const quoted = (value) => JSON.stringify(value);
    const stable = (id) => id && !/\d{3,}|^:|^radix|^headlessui|^mui|--/.test(id) && id.length < 40;
    const root = el.getRootNode();
    const only = (sel) => { try { return root.querySelectorAll(sel).length === 1; } catch { return false; } };
    const tag = el.tagName.toLowerCase();
    if (stable(el.id) && only("#" + CSS.escape(el.id))) return "#" + CSS.escape(el.id);
    for (const attr of ["name", "aria-label", "type", "title", "data-action", "data-role", "placeholder"]) {
      const value = el.getAttribute(attr);
      if (value && !(attr === "type" && value === "button") && only(`${tag}[${attr}=${quoted(value)}]`)) return `${tag}[${attr}=${quoted(value)}]`;
    }
    for (const name of el.classList) {
      if (/^[a-zA-Z][\w-]{1,40}$/.test(name) && !/\d{3,}|__[a-zA-Z0-9]{5}|^css-|^sc-|hover|focus|active|flex|grid|px-|py-|text-/.test(name) && only(`${tag}.${CSS.escape(name)}`)) {
        return `${tag}.${CSS.escape(name)}`;
      }
    }
    const parts = [];
    for (let at = el; at && at !== root && parts.length < 6; at = at.parentElement) {
      if (stable(at.id) && at !== el) { parts.unshift("#" + CSS.escape(at.id)); break; }
      const same = at.parentElement ? [...at.parentElement.children].filter((x) => x.tagName === at.tagName) : [at];
      parts.unshift(at.tagName.toLowerCase() + (same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : ""));
      if (only(parts.join(" > "))) break;
    }
    return parts.join(" > ");
  };
  const inside = (el, attribute) => {
    for (let at = el; at; at = at.parentElement ?? at.getRootNode().host) if (at.hasAttribute(attribute)) return true;
    return false;
  };
  const popup = "dialog[open], [role=dialog], [role=alertdialog], [aria-modal=true], [class*=cookie i], [id*=cookie i], [class*=consent i], [id*=consent i], " +
    "[class*=banner i], [class*=overlay i], [class*=modal i]";
  const box = "textarea, [contenteditable=true], [contenteditable=''], [role=textbox], input[type=text], input:not([type])";
  for (const el of walk(document)) {
    const tag = el.tagName.toLowerCase();
    const role = el.getAttribute("role");
    const editable = el.isContentEditable && !el.parentElement?.isContentEditable;
    const text = tag === "textarea" || (tag === "input" && /^(text|search|)$/.test(el.type)) || editable || role === "textbox";
    const clickable = tag === "button" || (tag === "a" && el.href) || /^(button|menuitem|link|tab|option)$/.test(role ?? "") || tag === "summary" ||
      (tag === "input" && /^(button|submit|image)$/.test(el.type)) || el.hasAttribute("onclick") ||
      (getComputedStyle(el).cursor === "pointer" && getComputedStyle(el.parentElement ?? el).cursor !== "pointer");
    const rect = el.getBoundingClientRect();
    // A launcher need not look like a button to a program: something small that floats in a lower corner.
    const corner = rect.width >= 24 && rect.height >= 24 && rect.width <= 140 && rect.height <= 140 && rect.bottom > innerHeight * 0.7 &&
      (rect.right > innerWidth - 160 || rect.left < 160) && getComputedStyle(el).position === "fixed";
    if (!text && !clickable && !corner) continue;
    const mark = el.getAttribute("data-e2e-seen") ?? String((globalThis.e2eSeen = (globalThis.e2eSeen ?? 0) + 1));
    el.setAttribute("data-e2e-seen", mark);
    const form = el.closest("form, [role=form], footer, [class*=composer i], [class*=input i]");
    seen.push({
      mark, tag, role, text: !!text, clickable: !!(clickable || corner) && !text, corner: corner && !clickable, floats: floats(el), editable, visible: visible(el), disabled: !!el.disabled || el.getAttribute("aria-disabled") === "true",
      label: labelOf(el), inner: (text ? "" : el.innerText ?? "").trim().slice(0, 80), testId: el.getAttribute("data-testid"), title: el.getAttribute("title"),
      placeholder: el.getAttribute("placeholder"), id: el.id, classes: String(el.className?.baseVal ?? el.className ?? ""), type: el.getAttribute("type"),
      x: rect.x, y: rect.y, w: rect.width, h: rect.height, popup: el.getAttribute("aria-haspopup"), expanded: el.getAttribute("aria-expanded"),
      keys: el.getAttribute("aria-keyshortcuts"), href: tag === "a" ? el.href : null,
      icon: !!el.querySelector("svg, img, i"), form: form ? (form.getAttribute("data-e2e-form") || (form.setAttribute("data-e2e-form", mark), mark)) : null,
      inDialog: !!el.closest("dialog[open], [role=dialog], [role=alertdialog], [aria-modal=true]"),
      inConsent: !!el.closest("[class*=cookie i], [id*=cookie i], [class*=consent i], [id*=consent i], [class*=banner i], [class*=overlay i], [class*=modal i]"),
      holdsBox: !!el.closest(popup)?.querySelector(box), inCover: inside(el, "data-e2e-cover"),
      inTop: !!el.closest("header, nav, aside, [role=banner], [role=navigation]"), css: css(el), height: innerHeight, width: innerWidth,
    });
  }
  return seen;
}
