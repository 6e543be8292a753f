"""Has what was removed here out of the bucket, too."""

import asyncio
from collections.abc import Sequence

from angarium.config.schema import Uploads
from angarium.uploads.bucket.client import open_bucket
from angarium.uploads.bucket.place import Place
from angarium.uploads.store import Gone, UploadStore


async def clear(store: UploadStore, uploads: Uploads, gone: Sequence[Gone]) -> Sequence[Gone]:
    """Return what is left where it is, and forgotten: it is in a bucket that is not ours any more.

    Raises BucketError: what was not removed is still among ``gone``.
    """
    place = Place.of(uploads)
    ours = [each for each in gone if place is not None and each.object.bucket == place.bucket]
    left = [each for each in gone if each not in ours]
    for each in left:
        await asyncio.to_thread(store.forget, each)
    if ours:
        async with open_bucket(uploads) as bucket:
            for each in ours:
                await bucket.remove(each.object)  # UP4
                await asyncio.to_thread(store.forget, each)
    return left
