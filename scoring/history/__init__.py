"""The history of applicants, in SQLite or Redis."""
