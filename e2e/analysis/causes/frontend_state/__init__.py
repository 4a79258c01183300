"""Causes in the state of the page: which ID a send uses, and which messages it takes along."""
