"""Training: a loop that can be killed at any time and goes on bit for bit."""
