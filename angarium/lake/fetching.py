"""Has files here that are asked for and in the bucket only, as far as there is to be room for them."""

import asyncio
from collections.abc import Sequence

from angarium.config.lake import Lake
from angarium.lake.bucket_copy import BucketCopy
from angarium.lake.catalogue import Catalogue
from angarium.lake.folder import Folder
from angarium.lake.model import LakeAwayError, LakeFile
from angarium.queue.wall_clock import wall_clock


class TooMuchError(LakeAwayError):
    """More is in the bucket only than may be kept here."""


async def have_here(
    settings: Lake, folder: Folder, catalogue: Catalogue, files: Sequence[LakeFile]
) -> None:
    """Return once all of them are here, and stay for a while. Raises LakeAwayError, TooMuchError."""
    away = await asyncio.to_thread(_away, folder, files)
    if not away:
        return
    if settings.bucket is None:
        raise LakeAwayError(f"{away[0].path} is not here, and [lake] names no bucket")
    octets = sum(each.octets for each in away)
    if octets > settings.cache_octets:
        text = f"{octets} octets of it are in the bucket only, more than lake.cache_octets: ask about less time"
        raise TooMuchError(text)
    # So that nobody lets them go meanwhile
    await asyncio.to_thread(catalogue.use, files, wall_clock())
    await BucketCopy(settings, folder, catalogue).fetch(away)


def _away(folder: Folder, files: Sequence[LakeFile]) -> list[LakeFile]:
    return [
        each
        for each in files
        if each.is_remote and not (each.is_local and folder.locate(each.path).exists())
    ]
