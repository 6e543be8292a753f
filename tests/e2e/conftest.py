"""The whole product, started for a test, killed after it, and looked at for errors in between."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.product import Product

StartProduct = Callable[..., Product]


@pytest.fixture
def start_product(tmp_path: Path) -> Iterator[StartProduct]:
    running: list[Product] = []

    def start(**arguments: object) -> Product:
        folder = tmp_path / f"product{len(running)}"
        folder.mkdir()
        running.append(Product(folder, **arguments))  # type: ignore[arg-type]
        return running[-1]

    yield start
    try:
        for each in running:
            each.assert_clean()
    finally:
        for each in running:
            each.kill()
