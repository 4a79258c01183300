"use strict";
Object.assign(Lab.ui, { editable: true, unnamedSend: true });
