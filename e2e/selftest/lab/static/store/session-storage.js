"use strict";
Lab.store = {
  read: () => sessionStorage.getItem("lab_session"),
  write: (id) => sessionStorage.setItem("lab_session", id),
  clear: () => sessionStorage.removeItem("lab_session"),
};
