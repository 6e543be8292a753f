"""Whatever is brought has an answer, in time that its size bounds."""

import contextlib
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.receiver_reports.figures_csv import FiguresCsvError, read_figures_csv
from angarium.receiver_reports.reading import read_file, read_mail
from angarium.receiver_reports.snds import SndsError, read_data, read_status
from tests.receiver_reports.samples import packed_mail, sample, zipped

SEEDS = (
    *(sample(f"{name}.xml") for name in ("google", "microsoft", "rfc9990", "latin1")),
    sample("tls_google.json"),
    zipped(("a.xml", sample("yahoo.xml")), ("b.json", sample("tls_microsoft.json"))),
    packed_mail(),
)
# Of one input of some kilobytes; on a busy machine
WITHIN_S = 5.0


@st.composite
def mutated(draw: st.DrawFn, seeds: tuple[bytes, ...] = SEEDS) -> bytes:
    octets = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(octets)))
        end = min(len(octets), at + draw(st.integers(0, 40)))
        what = draw(st.sampled_from(("put", "cut", "again", "odd")))
        if what == "put":
            octets[at:end] = draw(st.binary(max_size=12))
        elif what == "cut":
            del octets[at:end]
        elif what == "again":
            octets[at:at] = octets[at:end] * draw(st.integers(1, 50))
        else:
            octets[at:at] = draw(st.sampled_from((b"<", b">", b"&a;", b"<![CDATA[", b"{", b"\0")))
    return bytes(octets)


@pytest.mark.fuzz
@given(mutated())
def test_any_file_has_an_answer(octets: bytes) -> None:
    began = time.process_time()
    assert list(read_file("f", octets))
    assert list(read_mail(octets))
    assert time.process_time() - began < WITHIN_S


@pytest.mark.fuzz
@given(mutated((sample("snds.csv"), sample("snds_status.csv"), sample("postmaster_tools.csv"))))
def test_any_table_has_an_answer(octets: bytes) -> None:
    for read in (
        lambda: read_data(octets),
        lambda: read_status(octets, date(2026, 12, 1)),
        lambda: read_figures_csv(octets, "example.com"),
    ):
        with contextlib.suppress(SndsError, FiguresCsvError):
            assert read() is not None


@pytest.mark.parametrize(
    "octets",
    [
        b"<feedback>" + b"a" * (8 << 20),
        b"<feedback>" + b"<a>" * (1 << 20),
        b"<feedback>" + b"<a/>" * (2 << 20),
        b"<feedback a='" + b"&#65;" * (1 << 20),
        b"<feedback>" + b"<![CDATA[" * (1 << 19),
        b"<feedback>" + b"<!-- -->" * (1 << 19),
        b"<?xml version='1.0' encoding='" + b"x" * (1 << 20),
        b"<" * (4 << 20),
        b"{" * (4 << 20),
        b'{"policies":[' + b'{"policy":{}},' * (1 << 18),
        b'"' * (4 << 20),
        b'{"a":"' + b'\\"' * (2 << 20),
        b" " * (4 << 20),
        b"From: a\n" * (1 << 18),
        b"From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * (1 << 18),
        b"PK\x03\x04" * (1 << 20),
    ],
    ids=[
        *("text", "open tags", "empty tags", "one attribute", "CDATA", "comments", "declaration"),
        *("less", "braces", "policies", "quotes", "escapes", "spaces", "fields", "parts", "zip"),
    ],
)
def test_megabytes_of_one_thing_take_seconds_at_most(octets: bytes) -> None:
    """C3"""
    began = time.process_time()
    assert list(read_file("f", octets))
    assert time.process_time() - began < 4 * WITHIN_S
