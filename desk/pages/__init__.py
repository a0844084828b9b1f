"""The desk's pages, rendered on the server; their main flows work without a script."""
