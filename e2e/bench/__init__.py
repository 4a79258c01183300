"""What one chat costs: the suite with full capture against a plain Playwright script, in one run on the reference chat."""
