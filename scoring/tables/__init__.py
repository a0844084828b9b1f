"""Tables in files: where a file lies, what it holds by its first bytes, its columns, its rows in batches.

Both wings read callers' files through this package, and nothing here knows what a column means.
"""
