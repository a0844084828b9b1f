"""The revisions of the tables, one in a file."""
