"""One person's address in the lake: what there is about it, and having it out of all files, here and in the bucket.

For who exports or erases a person's data. Blocks, for as long as reading all files takes: in a thread.
"""

from collections.abc import Iterator, Mapping

import msgspec

from angarium.config.schema import Config


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    files: int  # that were written anew
    rows: int  # that had the address


def find(config: Config, address: str) -> Iterator[Mapping[str, object]]:
    """Yield the rows about an address, or that have it in a text, oldest file first; keys are the columns' names.

    Without regard to case. Yields nothing where there is no lake. Raises LakeAwayError (an OSError).
    """
    raise NotImplementedError


def erase(config: Config, address: str) -> Erased:
    """Write the files that have it anew, without it.

    Rows stay, so that they are counted: the address becomes a number that says nothing, its domain stays, texts that
    have it become null. On disk on return, and out of the bucket; after a crash it can be done again. Its files are
    exchanged one by one, and a reader sees each before or after.

    What of the event log is not in the lake yet (``lake.flush_s`` at most) comes later: erase it there first.
    Raises LakeAwayError (an OSError): some files may be done.
    """
    raise NotImplementedError
