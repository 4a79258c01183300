// Resolves to whether the DOM changes within `longest` milliseconds: nodes, texts (open shadow roots included), and the attributes
// of elements that open or become enabled. Styles and classes are left out: an animation would never let the page settle.
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
