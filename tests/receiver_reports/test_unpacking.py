"""Mirrors angarium/receiver_reports/unpacking.py."""

import gzip
import struct
import zipfile
import zlib

import pytest

from angarium.receiver_reports import unpacking
from angarium.receiver_reports.model import Refused
from angarium.receiver_reports.unpacking import File, unpack
from tests.receiver_reports.samples import zipped

XML = b"<feedback/>" * 100


def refusal(octets: bytes) -> str:
    (found,) = unpack("file", octets)
    assert isinstance(found, Refused)
    return found.why


@pytest.mark.parametrize(
    "octets",
    [
        XML,
        gzip.compress(XML),
        gzip.compress(XML[:50]) + gzip.compress(XML[50:]),
        gzip.compress(XML) + b"\0" * 512,
        zipped(("report.xml", XML)),
        zipped(("report.xml", XML), method=zipfile.ZIP_STORED),
        zipped(("a/", b""), ("__MACOSX/._report.xml", b"x"), ("report.xml", XML)),
    ],
    ids=["plain", "gzip", "two members", "padded gzip", "zip", "stored", "a Macintosh's"],
)
def test_a_file_is_known_by_its_octets_however_it_is_packed(octets: bytes) -> None:
    (found,) = unpack("report.bin", octets)
    assert isinstance(found, File)
    assert found.octets == XML


def test_each_file_of_an_archive_is_read() -> None:
    found = unpack("all.zip", zipped(("1.xml", b"one"), ("2.xml", b"two")))
    assert [(each.name, each.octets) for each in found if isinstance(each, File)] == [
        ("all.zip/1.xml", b"one"),
        ("all.zip/2.xml", b"two"),
    ]


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (gzip.compress(b"\0" * (40 << 20)), "200 times"),
        (zipped(("bomb", b"\0" * (40 << 20))), "200 times"),
        (zipped(*((f"{each}", b"\0" * (1 << 20)) for each in range(20))), "200 times"),
        (zipped(*((f"{each}", b"x") for each in range(21))), "21 files"),
        (zipped(*((f"{each}", b"x") for each in range(201))), "201 entries"),
        (gzip.compress(b"x") * 21, "21 gzip members"),
        (gzip.compress(XML)[:-20], "cut short"),
        (zipped(("report.xml", XML))[:-30], "has no end"),
        (zipped(("a/", b"")), "no file"),
        (b"\x1f\x8bnonsense" * 10, "cannot be inflated"),
        (zipped(("report.xml", XML), method=zipfile.ZIP_LZMA), "method 14"),
        (b"\0" * (17 << 20), "16 MiB"),
    ],
    ids=[
        *("gzip bomb", "zip bomb", "bomb in parts", "many files", "many entries", "many members"),
        *("cut gzip", "cut zip", "empty zip", "no gzip", "LZMA", "large"),
    ],
)
def test_what_may_not_be_taken_is_refused_with_the_reason(octets: bytes, why: str) -> None:
    """C3"""
    assert why.replace("21 gzip", "20 gzip") in refusal(octets)


def test_an_incompressible_bomb_ends_at_the_absolute_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_RATIO", 10**9)
    assert "32 MiB" in refusal(gzip.compress(b"\0" * (33 << 20)))


def test_files_that_share_octets_are_refused() -> None:
    """A quine of a zip archive: its directory names one file's octets twice."""
    octets = zipped(("a.xml", XML))
    end = octets.rfind(b"PK\x05\x06")
    directory = octets.rfind(b"PK\x01\x02")
    entry = octets[directory:end]
    count = struct.pack("<HH", 2, 2)
    doubled = octets[:end] + entry + octets[end : end + 8] + count + octets[end + 12 :]
    assert "overlap" in refusal(doubled)


def test_sizes_that_an_archive_claims_are_not_believed() -> None:
    octets = bytearray(zipped(("a.xml", XML)))
    directory = octets.rfind(b"PK\x01\x02")
    octets[directory + 24 : directory + 28] = struct.pack("<L", 2**32 - 1)
    (found,) = unpack("a.zip", bytes(octets))
    assert isinstance(found, File)
    assert found.octets == XML


def test_an_encrypted_file_is_refused_by_name() -> None:
    octets = bytearray(zipped(("a.xml", XML)))
    directory = octets.rfind(b"PK\x01\x02")
    octets[directory + 8] |= 1
    assert "a.xml in it is encrypted" in refusal(bytes(octets))


def test_an_archive_in_an_archive_is_no_archive() -> None:
    (found,) = unpack("a.zip", zipped(("b.zip", zipped(("report.xml", XML)))))
    assert isinstance(found, File)
    assert found.octets.startswith(b"PK")


def test_deflate_in_zlib_form_is_no_report() -> None:
    (found,) = unpack("a", zlib.compress(XML))
    assert isinstance(found, File)  # and what it is, its reader says
