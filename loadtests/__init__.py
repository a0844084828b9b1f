"""Load tests with latency targets, and a side-by-side benchmark against peers."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The folder that the processes started here run in, so that they find the service and this package."""
