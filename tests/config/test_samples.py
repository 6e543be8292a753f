"""The sample configurations are valid, so that copying one is a start."""

from pathlib import Path

import pytest

from angarium.config.loader import load

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.mark.parametrize("path", sorted(PACKAGING.glob("*.toml")), ids=lambda path: path.name)
def test_a_sample_is_valid(path: Path) -> None:
    assert load(path).listener
