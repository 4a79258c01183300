"""A tiny chat page for each transport, framing and awkward place, for tests where no product is at hand."""
