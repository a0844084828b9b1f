"""Faults, made on purpose in real processes: nothing that was answered is lost, doubled or changed."""
