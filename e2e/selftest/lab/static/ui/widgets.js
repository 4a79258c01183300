"use strict";
// What covers, hides and asks.

function put(html) {
  const holder = document.createElement("div");
  holder.innerHTML = html;
  return Lab.root.appendChild(holder.firstElementChild);
}

// New chat becomes an item of a menu that is there while the mouse is over it.
Lab.ui.built = () => {
  if (Lab.ui.menu) {
    Lab.at("actions").innerHTML = `<div class="menu"><button type="button" aria-haspopup="menu" aria-label="${Lab.ui.menu}">
      <svg width="16" height="16" aria-hidden="true"><path d="M2 3h12v2H2zm0 4h12v2H2zm0 4h12v2H2z"/></svg></button>
      <div role="menu"><button role="menuitem" type="button" id="new">New chat</button>
      <button role="menuitem" type="button">Export</button></div></div>`;
    Lab.at("new").addEventListener("click", () => Lab.newChat());
  }
  if (Lab.ui.banner && !localStorage.getItem("cookie_consent")) {
    const banner = put(`<div class="wall"><div role="dialog" aria-label="Cookies">
      <p>We use cookies.</p><button type="button">Accept all</button></div></div>`);
    banner.querySelector("button").addEventListener("click", () => {
      localStorage.setItem("cookie_consent", "all");
      banner.remove();
    });
  }
};

// Resolves to whether the second button was pressed.
Lab.dialog = (question, no, yes) =>
  new Promise((resolve) => {
    const dialog = put(`<dialog aria-label="${question}"><p>${question}</p>
      <button type="button" value="">${no}</button> <button type="button" value="yes">${yes}</button></dialog>`);
    dialog.addEventListener("click", ({ target }) => target.matches("button") && dialog.close(target.value));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });

Lab.toast = (text, ms) => {
  const toast = put('<div class="toast" role="status"></div>');
  toast.textContent = text;
  setTimeout(() => toast.remove(), ms);
};
