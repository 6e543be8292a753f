"""The queue on LMDB. Start with ``spool.LmdbSpool`` and ``partition``; docs/queue-states.md has what is on disk when.

Each change is an operation on a ``transaction``; one committer thread per process commits all that is pending at once.
"""
