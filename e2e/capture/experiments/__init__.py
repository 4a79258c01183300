"""What the suite tries after a failed verdict to isolate the layer: the same chat with one thing changed. Records only."""
