"""Copies the journal to PostgreSQL, off the request path.

`tables` describes the copy, `migrations` how a database gets there, `database` opens one, `session` sets what holds in
its transactions, `rows` turns records into its rows, `shipper` copies, `follow` goes on doing so, `stopping` ends it.
"""
