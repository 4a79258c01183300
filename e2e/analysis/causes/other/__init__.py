"""Causes in the user interface, in the delivery of replies, in labels; and what has no known cause."""
