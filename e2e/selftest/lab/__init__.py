"""A tiny chat page for each transport, framing, store and awkward interface: what the suite must be able to watch and judge."""
