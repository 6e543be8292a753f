"""A running server that the vendors' official clients, unmodified, are let loose on; one for all of them."""

from collections.abc import Iterator

import pytest

from tests.api.compat.sdks.vendors_server import VendorsServer
from tests.e2e.recording_sink import RecordingSink


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorsServer]:
    with RecordingSink() as sink:
        running = VendorsServer(tmp_path_factory.mktemp("vendors"), sink)
        try:
            yield running
            running.product.assert_clean()
        finally:
            running.product.kill()
