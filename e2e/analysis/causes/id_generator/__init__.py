"""Causes in the code that generates session IDs."""
