"""Mirrors angarium/access/host_certificates.py."""

import ssl
from pathlib import Path

import pytest

from angarium.access.host_certificates import KEPT, CertificateFiles, HostCertificates
from tests.authority import Authority

HOST = "t.shop.example"


class Files:
    """A folder of hosts' files, and what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.asked: list[str] = []
        self.troubles: list[tuple[str, str]] = []

    def find(self, host: str) -> CertificateFiles | None:
        self.asked.append(host)
        path = self.folder / f"{host}.pem"
        if not path.exists():
            return None
        return CertificateFiles(certificate=path, private_key=self.folder / f"{host}.key")

    def write(self, host: str) -> None:
        certificate, key = self.authority.server(host)
        key.replace(self.folder / f"{host}.key")
        certificate.replace(self.folder / f"{host}.pem")

    def tell(self, host: str, problem: str) -> None:
        self.troubles.append((host, problem))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def hosts(files: Files) -> HostCertificates:
    return HostCertificates(files.find, None, files.tell)


def test_a_host_with_files_of_its_own_has_a_context_of_its_own(
    files: Files, hosts: HostCertificates
) -> None:
    files.write(HOST)
    found = hosts.find(HOST)
    assert isinstance(found, ssl.SSLContext)
    assert hosts.find(HOST) is found
    assert hosts.find("T.Shop.EXAMPLE.") is found
    assert hosts.find("other.example") is None
    assert hosts.find(None) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../../etc/passwd",
        "a/b.example",
        "a\x00.example",
        ".",
        "..",
        "t",
        "x" * 300,
        "*.example",
    ],
    ids=["none", "up", "slash", "nul", "dot", "dots", "label", "long", "star"],
)
def test_what_is_no_host_name_is_no_part_of_a_path(
    files: Files, hosts: HostCertificates, name: str
) -> None:
    """HOC2"""
    assert hosts.find(name) is None
    assert files.asked == []


def test_files_that_change_are_read_again_and_half_a_change_is_not_used(
    files: Files, hosts: HostCertificates
) -> None:
    """HOC1"""
    files.write(HOST)
    first = hosts.find(HOST)
    certificate, key = files.authority.server(HOST)
    key.replace(files.folder / f"{HOST}.key")
    assert hosts.find(HOST) is first
    assert len(files.troubles) == 1
    assert hosts.find(HOST) is first
    assert len(files.troubles) == 1  # told once
    certificate.replace(files.folder / f"{HOST}.pem")
    second = hosts.find(HOST)
    assert second is not None
    assert second is not first
    (files.folder / f"{HOST}.pem").unlink()
    assert hosts.find(HOST) is None


def test_files_that_could_never_be_used_leave_the_listeners_own(
    files: Files, hosts: HostCertificates
) -> None:
    (files.folder / f"{HOST}.pem").write_text("nothing")
    assert hosts.find(HOST) is None
    assert [host for host, _ in files.troubles] == [HOST]


def test_a_reload_reads_all_again(files: Files, hosts: HostCertificates) -> None:
    files.write(HOST)
    first = hosts.find(HOST)
    hosts.reload()
    second = hosts.find(HOST)
    assert second is not None
    assert second is not first


def test_what_is_kept_of_hosts_is_bounded(files: Files, hosts: HostCertificates) -> None:
    files.write(HOST)
    pair = files.find(HOST)
    many = HostCertificates(lambda _: pair, None, files.tell)
    for number in range(KEPT + 20):
        many.find(f"t{number}.example")
    assert len(many._known) == KEPT
