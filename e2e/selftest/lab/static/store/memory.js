"use strict";
Lab.store = { read: () => null, write: () => {}, clear: () => {} };
