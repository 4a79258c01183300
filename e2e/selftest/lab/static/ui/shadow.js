"use strict";
// Everything inside of an open shadow root.
customElements.define(
  "lab-chat",
  class extends HTMLElement {
    constructor() {
      super();
      this.attachShadow({ mode: "open" });
    }
  },
);
Lab.ui.root = () => document.getElementById("app").appendChild(document.createElement("lab-chat")).shadowRoot;
