"""Reports as vendors write them, and what of them is packed how."""

import gzip
import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

from angarium.queue.model import UnixMs
from angarium.receiver_reports.model import (
    AuthResult,
    Disposition,
    DmarcReport,
    DmarcRow,
    PublishedPolicy,
    TlsFailure,
    TlsPolicy,
    TlsReport,
)

FOLDER = Path(__file__).parents[1] / "data" / "receivers"
# The day that the samples are of: 2026-12-01
DAY = 20788
DAY_S = DAY * 86_400
NOW = UnixMs((DAY + 1) * 86_400_000)


def sample(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, octets in files:
            archive.writestr(name, octets)
    return out.getvalue()


def mailed(octets: bytes, filename: str, kind: str = "application/octet-stream") -> bytes:
    """A mail as reporters send it."""
    mail = EmailMessage()
    mail["From"] = "noreply@reporter.example"
    mail["To"] = "dmarc@example.com"
    mail["Subject"] = "Report Domain: example.com Submitter: reporter.example Report-ID: <1>"
    mail["MIME-Version"] = "1.0"
    mail.set_content("This is an aggregate report.\n")
    main, _, sub = kind.partition("/")
    mail.add_attachment(octets, maintype=main, subtype=sub, filename=filename)
    return mail.as_bytes().replace(b"\n", b"\r\n")


def packed_mail(name: str = "google") -> bytes:
    return mailed(
        gzip.compress(sample(f"{name}.xml")),
        "google.com!example.com!1796083200!1796169599.xml.gz",
        "application/gzip",
    )


def row(
    address: str = "192.0.2.10",
    count: int = 10,
    *,
    dkim: bool = True,
    spf: bool = True,
    header_from: str = "example.com",
    disposition: Disposition = "none",
    signed_by: str = "example.com",
) -> DmarcRow:
    return DmarcRow(
        address=address,
        count=count,
        disposition=disposition,
        dkim=dkim,
        spf=spf,
        header_from=header_from,
        dkim_results=(
            AuthResult(domain=signed_by, result="pass" if dkim else "fail", selector="s"),
        ),
        spf_results=(AuthResult(domain=header_from, result="pass" if spf else "fail"),),
    )


def dmarc(
    *rows: DmarcRow,
    day: int = DAY,
    domain: str = "example.com",
    organization: str = "google.com",
    p: str = "none",
    report_id: str = "",
) -> DmarcReport:
    return DmarcReport(
        organization=organization,
        report_id=report_id or f"{organization}-{day}-{domain}",
        begin=day * 86_400,
        end=day * 86_400 + 86_399,
        policy=PublishedPolicy(domain=domain, p=p),
        rows=rows,
    )


def tls(
    *failures: TlsFailure, day: int = DAY, domain: str = "example.com", successful: int = 900
) -> TlsReport:
    failed = sum(each.count for each in failures)
    policy = TlsPolicy(
        domain=domain, type="sts", successful=successful, failed=failed, failures=failures
    )
    return TlsReport(
        organization="Google Inc.",
        report_id=f"{day}-{domain}",
        begin=day * 86_400,
        end=day * 86_400 + 86_399,
        policies=(policy,),
    )
