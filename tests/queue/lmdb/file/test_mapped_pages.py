"""Mirrors angarium/queue/lmdb/file/mapped_pages.py."""

import mmap
import sys
from pathlib import Path

import pytest

from angarium.host.process_memory import read_memory
from angarium.queue.lmdb.file.mapped_pages import LIMIT_OCTETS, MappedPages


def resident() -> int:
    memory = read_memory()
    assert memory is not None
    return memory.mapped_octets


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_bounded_whatever_was_read_of_the_file(tmp_path: Path) -> None:  # invariant 8
    file = tmp_path / "data.mdb"
    octets = 2 * LIMIT_OCTETS
    file.write_bytes(b"x" * octets)
    pages = MappedPages(file)
    with file.open("rb") as handle:
        mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        before = resident()
        assert sum(mapped[place] for place in range(0, octets, 4096)) == octets // 4096 * ord("x")
        assert resident() - before > LIMIT_OCTETS
        assert pages.give_back()
        assert resident() - before < LIMIT_OCTETS // 4
        assert mapped[octets - 1] == ord("x")  # and can be read as before
        assert not pages.give_back()  # asked again at once
        mapped.close()
