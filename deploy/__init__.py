"""What runs Scorebox somewhere, and what watches it."""
