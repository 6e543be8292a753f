"""Mirrors bench/debian_package.py."""

from pathlib import Path

import pytest

from bench import debian_package
from bench.debian_package import find_unpacked, to_install, unpacked_version
from bench.errors import PeerAbsent

PLAN = """\
Reading package lists...
The following packages will be REMOVED:
  postfix
Remv postfix [3.7.11-0+deb12u1]
Inst exim4-config (4.96-15+deb12u10 Debian:12.15/oldstable [all])
Inst libidn12 (1.41-1 Debian:12.15/oldstable [amd64])
Inst exim4-daemon-light (4.96-15+deb12u10 Debian:12.15/oldstable [amd64])
Conf libidn12 (1.41-1 Debian:12.15/oldstable [amd64])
"""


def test_what_a_package_needs_is_what_apt_would_install() -> None:
    assert to_install(PLAN) == ["exim4-config", "libidn12", "exim4-daemon-light"]


def test_nothing_more_is_needed_when_apt_would_install_nothing() -> None:
    assert to_install("Reading package lists...\n0 upgraded, 0 newly installed.\n") == []


def test_a_package_that_was_not_fetched_is_absent_with_a_word_on_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian_package, "CACHE", tmp_path)
    assert unpacked_version("exim4-daemon-light") == "absent"
    with pytest.raises(PeerAbsent, match="--install-peers"):
        find_unpacked("exim4-daemon-light")


def test_a_package_that_was_fetched_is_found_with_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian_package, "CACHE", tmp_path)
    folder = tmp_path / "opensmtpd"
    (folder / "usr").mkdir(parents=True)
    (folder / "version").write_text("6.8.0p2-4+b4")
    assert find_unpacked("opensmtpd") == folder
    assert unpacked_version("opensmtpd") == "6.8.0p2-4+b4"
