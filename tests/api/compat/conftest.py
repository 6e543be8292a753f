from collections.abc import Iterator

import pytest

from tests.api.compat.dialect_server import DialectServer


@pytest.fixture(scope="module")
def dialects() -> Iterator[DialectServer]:
    with DialectServer() as server:
        yield server
