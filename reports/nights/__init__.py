"""Nights in a row: what each judged run leaves in the history, and what the history says."""
