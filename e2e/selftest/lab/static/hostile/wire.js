"use strict";
// Before patched.js: it then lies about requests, replies and sockets too. Each lie costs a stack at each call, so not on every page.
globalThis.Hostile = { ...globalThis.Hostile, wire: true };
