"""Every event as a row of Parquet files, by the hour and day: for reports over months, and for analysts' SQL. On
disk, and in a bucket.

Start with ``columns`` (what a row has) and ``catalogue`` (which files there are: who reads and who writes go by it).
``keeping`` follows the event log, ``rows`` makes rows of events, ``writing`` files of rows; ``tending`` compacts them,
has them in the bucket and lets them go. ``rebuilding`` makes the catalogue anew of files alone. ``asking`` runs SQL
over them in a process that can do nothing else.
Import from its modules. Only ``engine`` knows DuckDB, and imports it where it is used: it comes with the extra "lake".
"""
