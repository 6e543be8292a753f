"""The table ``[lake]``. Frozen values; only types are checked."""

from typing import Annotated

import msgspec

from angarium.config.shape import Count, Days, Few, Octets, Seconds, Table

# With less, DuckDB begins nothing
QueryOctets = Annotated[int, msgspec.Meta(ge=2**26, le=2**48, extra={"quantity": "size"})]
# They wait in memory
LakeRows = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Lake(Table, frozen=True, kw_only=True):
    """Every event in files by the hour and day, for SQL over months (docs/lake.md). `bin/install --extras` brings what
    it needs.
    """

    enabled: bool = False
    dir: str = ""  # where the files are; omitted: lake/ of data_dir
    # of S3, or of what speaks as it does: files are brought there too; omitted: they are here only
    bucket: str | None = None
    region: str | None = None  # of the bucket: "eu-central-1"
    endpoint_url: str | None = None  # omitted: Amazon's; its buckets are part of the path
    prefix: str = ""  # of the keys in the bucket: "angarium/"
    access_key_id: str | None = None  # omitted: AWS_ACCESS_KEY_ID of the environment
    # mode 0600; omitted: AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one
    secret_key_file: str | None = None
    # with a bucket: of files that are there, so much is kept here too, the newest and what was asked last
    cache_octets: Octets = 10_737_418_240
    keep_days: Days = 90
    flush_s: Seconds = 60.0  # an event is in a file so long after it is in the event log, or
    flush_rows: LakeRows = 50_000  # when so many wait
    # the files of an hour become one so long after its end, a day's 2 h later
    compact_after_s: Seconds = 900.0
    # of one question in SQL, and then it is ended
    query_s: Seconds = 30.0
    query_memory_octets: QueryOctets = 1_073_741_824  # 1 GiB
    query_threads: Few = 2
    query_rows: Count = 100_000  # of an answer: what is beyond is left out, and it says so
    query_octets: Octets = 33_554_432  # 32 MiB, likewise
