"""The pictures of previews in docs/templates.md, taken by a real browser: mirrors docs/pictures/make.py."""

import importlib.util
import re
import struct
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
MAX_OCTETS = 100_000
pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures", DOCS / "pictures" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_a_browser_takes_the_pictures_of_the_documentation(tmp_path: Path) -> None:
    make = script()
    browser = make.find_browser()
    if browser is None:
        pytest.skip("Chromium is not installed")
    make.make(browser, tmp_path)
    for name, _, _, width, height in make.PICTURES:
        taken = (tmp_path / f"{name}.png").read_bytes()
        assert size(taken) == (width, height)
        assert len(taken) > 10_000  # an empty page has some hundred octets


def test_the_documentation_shows_each_picture_and_they_are_small() -> None:
    text = (DOCS / "templates.md").read_text()
    shown = set(re.findall(r"\]\(pictures/([a-z-]+)\.png\)", text))
    make = script()
    assert shown == {each[0] for each in make.PICTURES}
    for name, _, _, width, height in make.PICTURES:
        picture = (DOCS / "pictures" / f"{name}.png").read_bytes()
        assert size(picture) == (width, height)
        assert len(picture) < MAX_OCTETS
