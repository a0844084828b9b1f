"""What is known of applicants from earlier, in SQLite or Redis."""
