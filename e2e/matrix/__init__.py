"""The detection matrix: every fault of the reference chat, and what the suite makes of it."""
