"use strict";
Lab.store = {
  read: () => document.cookie.match(/(?:^|; )lab_session=([^;]+)/)?.[1] ?? null,
  write: (id) => (document.cookie = `lab_session=${id}; path=/; SameSite=Lax; Max-Age=86400`),
  clear: () => (document.cookie = "lab_session=; path=/; Max-Age=0"),
};
