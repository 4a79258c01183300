"use strict";
Lab.ui.confirm = () => window.confirm("Start a new chat?");
addEventListener("beforeunload", (event) => {
  if (Lab.chat.messages.length) event.preventDefault();
});
