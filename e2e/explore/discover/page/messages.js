// Locates the messages of a conversation, given a part of two sent messages, and the short texts beside each reply.
([first, second]) => {
  const roots = [document];
  for (let i = 0; i < roots.length; i++) for (const el of roots[i].querySelectorAll("*")) if (el.shadowRoot) roots.push(el.shadowRoot);
  const leaves = (text) => roots.flatMap((root) => {
    const all = [...root.querySelectorAll("body *, *")].filter((el) => !/^(script|style|textarea|input|title|head)$/i.test(el.tagName) &&
      !el.closest("[contenteditable=true]") && (el.textContent ?? "").includes(text) && el.getBoundingClientRect().height > 0);
    return all.filter((el) => ![...el.children].some((child) => (child.textContent ?? "").includes(text)));
  });
  const depth = (el) => { let n = 0; for (let at = el; at; at = at.parentElement) n++; return n; };
  const common = (a, b) => {
    if (a === b || a.getRootNode() !== b.getRootNode()) return null;
    let at = a;
    while (at && !at.contains(b)) at = at.parentElement;
    return at === a ? null : at;
  };
  // A list of chats shows the first message too, as the chat's title. The conversation holds both messages closer together.
  const lists = leaves(first).flatMap((a) => leaves(second).map((b) => common(a, b))).filter((list) => list);
  if (!lists.length) return null;
  const list = lists.reduce((best, one) => (depth(one) > depth(best) ? one : best));
  const root = list.getRootNode();
  const items = [...list.children].filter((el) => el.getBoundingClientRect().height > 0 && (el.textContent ?? "").trim());
  const good = (name) => /^[a-zA-Z][\w-]{1,40}$/.test(name) && !/\d{3,}|__[a-zA-Z0-9]{5}|^css-|^sc-|^(flex|grid|relative|group|w-|p-|m-|text-)/.test(name);
  const same = (of) => { const first = of(items[0]); return first && items.every((el) => of(el) === first) ? first : null; };
  const unique = (css) => { try { return root.querySelectorAll(css).length; } catch { return -1; } };
  const specs = [];
  const testId = same((el) => el.getAttribute("data-testid"));
  if (testId) specs.push([{ test_id: testId }, `[data-testid=${JSON.stringify(testId)}]`]);
  const shared = items.length ? [...items[0].classList].filter((c) => good(c) && items.every((el) => el.classList.contains(c))) : [];
  for (const name of shared) specs.push([{ css: "." + CSS.escape(name) }, "." + CSS.escape(name)]);
  const role = same((el) => el.getAttribute("role"));
  if (role) specs.push([{ css: `[role=${role}]` }, `[role=${role}]`]);
  const listCss = list.id && !/\d{3,}/.test(list.id) ? "#" + CSS.escape(list.id)
    : list.getAttribute("role") && unique(`[role=${list.getAttribute("role")}]`) === 1 ? `[role=${list.getAttribute("role")}]`
    : [...list.classList].filter(good).map((c) => "." + CSS.escape(c)).find((css) => unique(css) === 1) ?? (unique(list.tagName.toLowerCase()) === 1 ? list.tagName.toLowerCase() : null);
  if (listCss) specs.push([{ css: `${listCss} > *` }, `${listCss} > *`]);
  let found = specs.find(([, css]) => unique(css) === items.length);
  // The messages may be wrapped, each in its own way: look for what every one of them has, from the sent message outwards.
  if (!found) {
    for (let at = leaves(first).find((el) => list.contains(el)); at && at !== list && !found; at = at.parentElement) {
      const id = at.getAttribute("data-testid");
      const ways = [...(id ? [[{ test_id: id }, `[data-testid=${JSON.stringify(id)}]`]] : []),
        ...[...at.classList].filter(good).map((name) => [{ css: "." + CSS.escape(name) }, "." + CSS.escape(name)])];
      found = ways.find(([, css]) => {
        const all = [...root.querySelectorAll(css)].filter((el) => el.getBoundingClientRect().height > 0);
        return all.length >= 4 && all.every((el) => list.contains(el) && !el.parentElement.closest(css)) && all.some((el) => el.textContent.includes(second));
      });
    }
  }
  const labels = [];
  const groups = new Map();
  for (const el of list.querySelectorAll("*")) {
    if (el.children.length || !el.getBoundingClientRect().height) continue;
    const text = (el.innerText ?? "").trim();
    if (text.length < 2 || text.length > 40) continue;
    const id = el.getAttribute("data-testid");
    const name = [...el.classList].find(good);
    const key = id ? `t:${id}` : name ? `c:.${CSS.escape(name)}` : null;
    if (!key) continue;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(text);
  }
  for (const [key, texts] of groups) labels.push({ spec: key.startsWith("t:") ? { test_id: key.slice(2) } : { css: key.slice(2) }, texts });
  return { spec: found ? found[0] : null, count: items.length, labels };
}
