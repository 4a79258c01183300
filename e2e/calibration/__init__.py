"""Do the statistical checks keep their promise? Simulated campaigns, healthy and broken, judged by the checks' own functions."""
