(() => {
  // What was typed, as the page got it: a box that is found empty may never have had the text. An editor that writes its
  // own text (Lexical, ProseMirror) prevents the input event, so beforeinput is read too.
  const typed = (window[Symbol.for("chat-session-e2e typed")] = []);
  for (const type of ["beforeinput", "input"]) {
    addEventListener(
      type,
      (event) => {
        const box = event.composedPath()[0];
        const text = `${box?.value ?? box?.innerText ?? ""} ${event.data ?? ""}`.slice(-4000);
        typed.push({ text, box: new WeakRef(box) });
        if (typed.length > 8) typed.shift();
      },
      { capture: true, passive: true },
    );
  }
})();
