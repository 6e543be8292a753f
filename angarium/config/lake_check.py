"""What ``[lake]`` says that cannot be, or not with what is installed."""

from collections.abc import Iterator

from angarium.config.bucket import bucket_problems
from angarium.config.error import Problem
from angarium.config.extras import Extra, lacking
from angarium.config.schema import Config


def lake_problems(config: Config) -> Iterator[Problem]:
    lake = config.lake
    if lake.enabled and (library := lacking(Extra.LAKE)) is not None:
        yield Problem(("lake", "enabled"), f"needs {library}; or leave it out")
    yield from bucket_problems("lake", lake)
    mine, theirs = (lake.bucket, lake.prefix), (config.uploads.bucket, config.uploads.prefix)
    if lake.bucket is not None and mine == theirs:
        text = "is uploads.prefix, in the same bucket; write another one, so that neither is taken for the other"
        yield Problem(("lake", "prefix"), text)
