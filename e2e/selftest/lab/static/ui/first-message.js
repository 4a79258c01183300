"use strict";
Lab.ui.rotates = "on_first_message";
