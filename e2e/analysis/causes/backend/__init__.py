"""Causes in the backend: how it assigns sessions to providers, and what it keeps of a session."""
