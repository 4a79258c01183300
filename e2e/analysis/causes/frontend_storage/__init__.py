"""Causes in the page's storage: what New Chat, a page load, leaving the page or another tab do to the stored ID."""
