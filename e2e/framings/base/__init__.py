"""What every decoder needs."""
