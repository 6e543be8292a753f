"""Debian's swaks as a client of ours: where it is, and the marks of tests that need it."""

import shutil
import subprocess

import pytest

SWAKS = shutil.which("swaks")


def _has_tls() -> bool:
    """Debian's package only recommends the module that TLS needs."""
    if SWAKS is None:
        return False
    support = subprocess.run([SWAKS, "--support"], capture_output=True, timeout=20, check=False)
    return b"=== TLS supported" in support.stdout


needs_swaks = pytest.mark.skipif(SWAKS is None, reason="swaks is not installed (apt install swaks)")
needs_swaks_with_tls = pytest.mark.skipif(
    not _has_tls(),
    reason="no swaks with TLS is installed (apt install swaks libnet-ssleay-perl)",
)
