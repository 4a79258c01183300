"use strict";
// New chat is there after the first message only, and does nothing in an empty chat.
Object.assign(Lab.ui, {
  ignoresNewChat: () => Lab.chat.messages.length === 0,
  built() {
    Lab.at("new").hidden = true;
    new MutationObserver(() => (Lab.at("new").hidden = false)).observe(Lab.at("log"), { childList: true });
  },
});
