// Whether the page's DOM changes within so many milliseconds: nodes and texts, in open shadow roots too, and what opens or
// enables. A burst of changes is told as one, when it has begun; styles and classes do not count, or an animation would never end.
(longest) => new Promise((resolve) => {
  const observer = new MutationObserver(() => setTimeout(done, 50, true));
  const done = (changed) => {
    observer.disconnect();
    resolve(changed);
  };
  const watch = (root) => {
    observer.observe(root, {
      subtree: true, childList: true, characterData: true, attributeFilter: ["hidden", "open", "disabled", "aria-expanded"],
    });
    for (const el of root.querySelectorAll("*")) if (el.shadowRoot) watch(el.shadowRoot);
  };
  watch(document);
  setTimeout(done, longest, false);
})
