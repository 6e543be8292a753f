"""What ``[lake]`` says that cannot be, or not with what is installed."""

import importlib.util
from collections.abc import Iterator
from typing import Final

from angarium.config.bucket import bucket_problems
from angarium.config.error import Problem
from angarium.config.schema import Config

LIBRARY: Final = "duckdb"


def lake_problems(config: Config) -> Iterator[Problem]:
    lake = config.lake
    if lake.enabled and importlib.util.find_spec(LIBRARY) is None:
        text = f"needs the library {LIBRARY}: pip install 'angarium[lake]', or leave it out"
        yield Problem(("lake", "enabled"), text)
    yield from bucket_problems("lake", lake)
    mine, theirs = (lake.bucket, lake.prefix), (config.uploads.bucket, config.uploads.prefix)
    if lake.bucket is not None and mine == theirs:
        text = "is uploads.prefix, in the same bucket; write another one, so that neither is taken for the other"
        yield Problem(("lake", "prefix"), text)
