"use strict";
Object.assign(Lab.ui, {
  menu: "Conversation menu",
  banner: true,
  confirm: () => Lab.dialog("Start a new chat?", "Cancel", "OK"),
  started: () => Lab.toast("New chat started", 600),
});
