// What was typed, as the page got it: a box that is found empty may never have had the text. An editor that writes its
// own text (Lexical, ProseMirror) prevents the input event, so beforeinput is read too.
(natives) => {
  "use strict";
  const { append, bare, find, getter, method, slice } = natives;
  const pathOf = method(Event.prototype, "composedPath");
  const dataOf = getter(InputEvent.prototype, "data");
  const innerText = getter(HTMLElement.prototype, "innerText");
  const contains = method(Node.prototype, "contains");
  const isConnected = getter(Node.prototype, "isConnected");
  const deref = method(WeakRef.prototype, "deref");
  const fields = [HTMLTextAreaElement, HTMLInputElement].map(({ prototype }) => getter(prototype, "value"));

  const textOf = (box) => {
    for (let i = 0; i <= fields.length; i++) {
      try {
        return (i < fields.length ? fields[i] : innerText)(box) ?? "";
      } catch {
        continue; // another kind of element
      }
    }
    return "";
  };
  let typed = [];
  const saw = (event) => {
    const box = pathOf(event)[0];
    let data = "";
    try {
      data = dataOf(event) ?? "";
    } catch {
      // a plain Event, as a script makes it
    }
    const kept = [];
    for (let i = typed.length > 7 ? typed.length - 7 : 0; i < typed.length; i++) append(kept, typed[i]);
    append(kept, { __proto__: null, text: slice(`${textOf(box)} ${data}`, -4000), box: new natives.WeakRef(box) });
    typed = kept;
  };
  natives.listenHere("beforeinput", saw, { __proto__: null, capture: true, passive: true });
  natives.listenHere("input", saw, { __proto__: null, capture: true, passive: true });

  const verbs = bare();
  /** Whether an event brought the text to the message box, or to one that the page has replaced since. */
  verbs.arrived = (box, text) => {
    for (let i = 0; i < typed.length; i++) {
      const to = deref(typed[i].box);
      const mine = to === undefined || !isConnected(to) || to === box || contains(box, to) || contains(to, box);
      if (mine && find(typed[i].text, text) >= 0) return true;
    }
    return false;
  };
  return verbs;
}
