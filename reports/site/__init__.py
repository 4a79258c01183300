"""The nights as a web site, and word of a change to those who want it."""
