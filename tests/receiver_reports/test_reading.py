"""Mirrors angarium/receiver_reports/reading.py and attachments.py."""

import gzip

import pytest

from angarium.feedback.reading import read_mail as what_mail_is
from angarium.receiver_reports.model import DmarcReport, Refused, TlsReport
from angarium.receiver_reports.reading import read_file, read_mail
from tests.receiver_reports.samples import mailed, packed_mail, sample, zipped

GOOGLE = sample("google.xml")
TLS = sample("tls_google.json")


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (GOOGLE, DmarcReport),
        (gzip.compress(GOOGLE), DmarcReport),
        (zipped(("report.xml", GOOGLE)), DmarcReport),
        (TLS, TlsReport),
        (gzip.compress(TLS), TlsReport),
        (packed_mail(), DmarcReport),
        (mailed(gzip.compress(TLS), "report.json.gz", "application/tlsrpt+gzip"), TlsReport),
        (mailed(GOOGLE, "report.xml", "text/xml"), DmarcReport),
        (mailed(zipped(("r.xml", GOOGLE)), "", "application/x-unknown"), DmarcReport),
        (
            b"From: a@b.example\r\nContent-Type: application/zip\r\n\r\n"
            + zipped(("report.xml", GOOGLE)),
            DmarcReport,
        ),
    ],
    ids=[
        *("XML", "gzip", "zip", "JSON", "packed JSON", "mail", "TLS by mail", "XML by mail"),
        *("by its octets", "the whole mail"),
    ],
)
def test_a_report_is_found_whatever_it_comes_in(
    octets: bytes, kind: type[DmarcReport | TlsReport]
) -> None:
    (found,) = read_file("file", octets)
    assert isinstance(found, kind)


def test_each_report_of_an_archive_is_told_of_by_itself() -> None:
    archive = zipped(("1.xml", GOOGLE), ("2.json", TLS), ("3.txt", b"hello"), ("4.xml", b"  "))
    first, second, third, fourth = read_file("all.zip", archive)
    assert isinstance(first, DmarcReport)
    assert isinstance(second, TlsReport)
    assert isinstance(third, Refused)
    assert third.name == "all.zip/3.txt"
    assert "neither XML, nor JSON" in third.why
    assert isinstance(fourth, Refused)
    assert "it is empty" in fourth.why


def test_a_mail_without_a_file_is_refused() -> None:
    (found,) = read_mail(b"From: a@b.example\r\nSubject: Report Domain: x\r\n\r\nhello\r\n")
    assert isinstance(found, Refused)
    assert "no file of a report" in found.why


def test_what_feedback_takes_for_a_report_is_what_is_read_here() -> None:
    mail = packed_mail()
    assert what_mail_is(mail).kind.value == "dmarc"
    assert isinstance(next(read_mail(mail)), DmarcReport)
