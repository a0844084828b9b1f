"""HTTP's own matters at the desk: who asks, problem details, limits and headers."""
