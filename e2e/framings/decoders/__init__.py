"""One decorated class per framing; `e2e.framings.registry` collects them."""
