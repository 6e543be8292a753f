"""Mirrors angarium/config/extras.py."""

import re
import tomllib
from pathlib import Path

import pytest

from angarium.config.extras import Extra, lacking

TOP = Path(__file__).parents[2]


@pytest.mark.parametrize("extra", list(Extra))
def test_what_is_not_here_is_named_with_what_brings_it(extra: Extra) -> None:
    said = lacking(extra, lambda _: None)
    assert said is not None
    assert "which is not installed: `bin/install --extras` brings it" in said


def test_a_package_that_is_not_here_lacks_its_modules_too() -> None:
    def find(name: str) -> object:
        raise ModuleNotFoundError(name)

    assert lacking(Extra.TRACING, find) is not None


def test_each_extra_is_one_of_the_package_and_locked() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == set(Extra)
    locked = locked_in("requirements-extras.txt")
    for wanted in extras.values():
        for each in wanted:
            assert re.split(r"[>=<]", each)[0] in locked


def test_the_locks_agree() -> None:
    run, extras, dev = (locked_in(f"requirements{which}.txt") for which in ("", "-extras", "-dev"))
    assert run.items() <= extras.items() <= dev.items()


def locked_in(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (TOP / name).read_text(), re.MULTILINE))
