"""Hosts that greylist by the client's address, and mail that may leave by several."""

import threading
from collections import defaultdict
from pathlib import Path

import pytest

from tests.e2e.product import Product, good_session
from tests.e2e.recording_sink import RecordingSink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]

SOURCES = range(2, 6)
POOL = "".join(
    f'[[source]]\nname = "ip{n}"\naddress = "127.0.0.{n}"\n' for n in SOURCES
) + '[[pool]]\nname = "default"\nsources = [{}]\n'.format(
    ", ".join(f'{{ name = "ip{n}" }}' for n in SOURCES)
)


class Greylist:
    """Takes a recipient of an address that has asked for it before."""

    def __init__(self) -> None:
        self.asked: defaultdict[bytes, list[str]] = defaultdict(list)  # by recipient: from where
        self._lock = threading.Lock()

    def says(self, client: str, line: bytes) -> bytes | None:
        if not line.startswith(b"RCPT"):
            return None
        with self._lock:
            before = self.asked[line]
            is_known = client in before
            before.append(client)
        return None if is_known else b"450 4.2.0 Greylisted, see you later"


@pytest.mark.parametrize("single", [True, False], ids=["single", "processes"])
def test_a_recipient_that_is_greylisted_is_tried_again_by_the_same_address(
    tmp_path: Path, *, single: bool
) -> None:
    greylist = Greylist()
    with RecordingSink(says=greylist.says) as sink:
        product = Product(tmp_path, sink=sink.port, more=POOL, single=single)
        try:
            for number in range(8):
                good_session(product.smtp[0], f"u{number}@example.org")
            sink.wait_for(8, timeout=60)
            for tries in greylist.asked.values():
                assert len(tries) == 2
                assert len(set(tries)) == 1
            # The first tries went by all of them
            assert {tries[0] for tries in greylist.asked.values()} == {
                f"127.0.0.{n}" for n in SOURCES
            }
            product.assert_clean()
        finally:
            product.kill()
