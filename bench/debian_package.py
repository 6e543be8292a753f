"""Debian's packages of peers that conflict with Postfix: fetched and unpacked into a cache, never installed."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from bench.errors import PeerAbsent

CACHE: Final = Path(__file__).parent / "cache"
# With /usr merged these are links into it; a package laid over the machine's own /usr has its share there.
_MERGED: Final = ("bin", "lib", "lib64", "sbin")


def find_unpacked(package: str) -> Path:
    """Return the folder whose ``usr`` holds the package and what it needs. Raises PeerAbsent."""
    folder = CACHE / package
    if not folder.is_dir():
        raise PeerAbsent("it was not fetched: bin/bench --install-peers")
    return folder


def unpacked_version(package: str) -> str:
    file = CACHE / package / "version"
    return file.read_text() if file.exists() else "absent"


def fetch(package: str) -> None:
    """Unpack the package, and those it needs that are not installed, in place of what is in the cache.

    Raises PeerAbsent; then the cache is as it was.
    """
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix=".") as name:
        folder = Path(name)
        # Only asked: installing it would remove Postfix.
        plan = _run("apt-get", "-s", "--no-install-recommends", "install", package, cwd=folder)
        _run("apt-get", "-q", "download", package, *to_install(plan), cwd=folder)
        for deb in folder.glob("*.deb"):
            _run("dpkg-deb", "-x", deb.name, "all", cwd=folder)
        out = folder / package
        out.mkdir()
        (folder / "all/usr").rename(out / "usr")
        for each in _MERGED:
            if (folder / "all" / each).is_dir():
                shutil.copytree(
                    folder / "all" / each, out / "usr" / each, symlinks=True, dirs_exist_ok=True
                )
        (out / "version").write_text(_version(next(folder.glob(f"{package}_*.deb")).name))
        shutil.rmtree(CACHE / package, ignore_errors=True)
        out.rename(CACHE / package)


def to_install(plan: str) -> list[str]:
    """Return the packages that apt would install, by the output of ``apt-get -s install``."""
    return re.findall(r"^Inst (\S+) ", plan, re.MULTILINE)


def _version(deb: str) -> str:
    """Return the version by the name of a file that apt-get downloaded: NAME_VERSION_ARCHITECTURE.deb."""
    return deb.split("_")[1].replace("%3a", ":")


def _run(*command: str, cwd: Path) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    except FileNotFoundError:
        raise PeerAbsent(f"{command[0]} is not here: only Debian's packages are known") from None
    if done.returncode:
        raise PeerAbsent(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
