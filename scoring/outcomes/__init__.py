"""Matured outcomes, next to the journal."""
