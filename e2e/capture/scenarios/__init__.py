"""User behaviour in a lane, as generators of waits. Each chat ends in one observation, whatever happens."""
