"""Check that the bucket of uploads can be reached, and lets us do what is needed: a small object comes and goes."""

import asyncio
from collections.abc import Sequence
from typing import Final

from angarium.config.schema import Config
from angarium.insight.checks.finding import Finding
from angarium.uploads.bucket.client import open_bucket
from angarium.uploads.model import BucketError

NAME: Final = "bucket"
WITHIN_S: Final = 20.0


async def check_bucket(config: Config) -> Sequence[Finding]:
    """Nothing, where none is named."""
    uploads = config.uploads
    if uploads.bucket is None:
        return ()
    try:
        async with asyncio.timeout(WITHIN_S), open_bucket(uploads) as bucket:
            await bucket.probe()
            url = bucket.place.url
    except TimeoutError:
        text = f"uploads.bucket: it does not answer within {WITHIN_S:g} s"
        return (Finding(NAME, "fail", text),)
    except BucketError as error:
        return (Finding(NAME, "fail", error.reason),)
    return (Finding(NAME, "ok", f"files can be put into {url}, read and removed"),)
