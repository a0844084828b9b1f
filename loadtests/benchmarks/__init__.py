"""Measurements of single parts, each with a command of its own."""
