"""Load tests with latency targets, and a side-by-side benchmark against peers."""
