"""``python -m e2e discover URL``: looks at a chat as a person and as its network do, and proposes a profile with evidence."""
