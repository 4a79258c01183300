"""What the suite does after a failed verdict to tell the layers apart: the same chat with one thing changed. Records only."""
