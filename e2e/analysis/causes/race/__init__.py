"""Causes that depend on what comes first: New Chat, a request, a stream."""
