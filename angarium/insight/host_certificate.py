"""What certificate a tracking host has, and what became of the orders for it, for operators and tenants to see."""

from pathlib import Path
from typing import Literal

import msgspec

from angarium.access.certificates import check_files
from angarium.access.tls_file import TlsFileError
from angarium.config.schema import Config
from angarium.issuance.model import HostStatus
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.queue.model import UnixMs

CertificateSource = Literal["configured", "issued", "none"]


class HostCertificate(msgspec.Struct, frozen=True, kw_only=True):
    source: CertificateSource  # none: the listener's own, or a proxy's, is all that there is
    begins: UnixMs | None = None
    ends: UnixMs | None = None
    problem: str = ""  # what is wrong, with what to do; "": nothing
    tried: UnixMs | None = None  # when that was found
    again: UnixMs | None = None  # when it is ordered next, at the earliest


def find_certificate(config: Config, host: str) -> HostCertificate:
    """Blocks on disk. The data directory is read as whoever may."""
    for each in config.tracking_certificate:
        if each.host == host:
            return _given(Path(each.certificate), Path(each.private_key))
    store = IssuanceStore(Path(config.server.data_dir))
    validity = store.find_validity(host)
    begins = None if validity is None else validity.begins
    ends = None if validity is None else validity.ends
    source: CertificateSource = "none" if validity is None else "issued"
    try:
        status = store.status(host)
    except IssuanceError as error:
        return HostCertificate(source=source, begins=begins, ends=ends, problem=str(error))
    return HostCertificate(
        source=source,
        begins=begins,
        ends=ends,
        problem=_problem(status),
        tried=status.troubled,
        again=status.not_before or None,
    )


def _given(certificate: Path, private_key: Path) -> HostCertificate:
    try:
        info = check_files(certificate, private_key)
    except TlsFileError as error:
        return HostCertificate(source="configured", problem=str(error))
    return HostCertificate(
        source="configured",
        begins=UnixMs(int(info.not_before.timestamp() * 1000)),
        ends=UnixMs(int(info.not_after.timestamp() * 1000)),
    )


def _problem(status: HostStatus) -> str:
    if status.trouble is None:
        return ""
    remedy = status.trouble.remedy
    return f"{status.trouble.text}: {remedy}" if remedy else status.trouble.text
