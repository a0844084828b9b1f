"""The parts of german_credit: its reasons."""
