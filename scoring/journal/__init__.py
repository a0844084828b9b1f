"""The durable record of every decision: written before the answer leaves, readable and provable without the service.

A journal is a folder of SQLite files, segments, which one process at a time appends to. `writer` appends, `reader`
reads, also while the service runs, `record` says what one decision leaves behind and how it is sealed, and `erasure`
takes an applicant's fields out of it.
"""
