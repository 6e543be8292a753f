"""Mirrors angarium/feedback/mail/statistics_mail.py."""

import pytest

from angarium.feedback.mail.parts import ParsedMail, read_parts
from angarium.feedback.mail.statistics_mail import is_dmarc_report, is_tls_report


def attached(content_type: str, subject: str = "x") -> ParsedMail:
    return read_parts(
        f"Subject: {subject}\nContent-Type: multipart/mixed; boundary=a\n\n"
        f"--a\n\nhello\n--a\nContent-Type: {content_type}\n\nx\n--a--".encode()
    )


@pytest.mark.parametrize(
    "name",
    [
        "isp.example!shop.test!1700000000!1700086399.xml.gz",
        "isp.example!shop.test!1700000000!1700086399.zip",
        "isp.example!shop.test!1700000000!1700086399!unique-1.xml",
    ],
)
def test_a_dmarc_report_is_known_by_its_file(name: str) -> None:
    assert is_dmarc_report(attached(f'application/octet-stream; name="{name}"'))


def test_a_dmarc_report_is_known_by_its_subject_and_a_packed_part() -> None:
    subject = "Report Domain: shop.test; Submitter: isp.example"
    assert is_dmarc_report(attached("application/zip", subject))
    assert not is_dmarc_report(attached("image/png", subject))
    assert not is_dmarc_report(attached("application/zip", "the quarterly report"))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/tlsrpt+gzip",
        "application/tlsrpt+json",
        'application/gzip; name="isp.example!shop.test!1700000000!1700086399!001.json.gz"',
    ],
)
def test_a_tls_report_is_known_by_its_part(content_type: str) -> None:
    mail = attached(content_type)
    assert is_tls_report(mail)
    assert not is_dmarc_report(mail)


def test_other_attachments_are_no_reports() -> None:
    assert not is_tls_report(attached('application/gzip; name="a!b.json.gz"'))
    assert not is_dmarc_report(attached('application/zip; name="a!b!c.zip"'))
